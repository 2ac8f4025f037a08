import type { Invocation } from './command.js';
import { followProgress } from './progress/follow-progress.js';
import { printableLine } from './render/printable.js';

/**
 * Ends a change: waits until it is live (or not, as asked) and tells the result: `result` where that says
 * more than how the app stands now.
 */
export const settle = async (
  invocation: Invocation,
  app: string,
  answer: { readonly sequence: string },
  asked: string,
  result?: string,
): Promise<void> => {
  const { out, options } = invocation;
  if (options.wait === false) {
    out.json({ ...answer, settled: false });
    out.line(`${asked} (asked for; not waiting)`);
    return;
  }
  const {
    kind: _kind,
    at: _at,
    ...done
  } = await followProgress(invocation, app, {
    settled: answer.sequence,
  });
  out.json({ ...answer, settled: true, ...done });
  out.line(printableLine(result ?? done.text));
};
