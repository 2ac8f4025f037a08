import type { ProcessName } from '@shiplog/events';
import { bad, ok, type Verdict } from './verdict.js';

/** A worker may say more than that it is there: `{ok, summary, remedy}`. */
export const healthVerdict = (worker: ProcessName, answer: unknown): Verdict => {
  const said =
    typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {};
  const { name, version } = said;
  const engine =
    typeof name === 'string' && typeof version === 'string' ? `; ${name} ${version}` : '';
  const summary = typeof said['summary'] === 'string' ? said['summary'] : `answers${engine}`;
  if (said['ok'] !== false) return ok(summary);
  const remedy = said['remedy'];
  return bad('failed', summary, typeof remedy === 'string' ? remedy : `see the log of ${worker}`);
};
