import type { ParkedModel } from '@shiplog/read-models';
import { bad, type Verdict } from './verdict.js';

/** Of models that cannot apply an event. */
export const parkedVerdict = (parked: readonly ParkedModel[]): Verdict => {
  const all = parked.map(
    ({ model, sequence, problem }) => `${model} stands still before event ${sequence}: ${problem}`,
  );
  const names = parked.map(({ model }) => model).join(', ');
  return bad(
    'failed',
    `${all.join('; ')}. Answers from ${names} are as of then; all other answers are up to date`,
    `install a version that can apply the event: its start goes on there by itself, \`shiplog rebuild ${parked[0]?.model ?? ''}\` does at once`,
  );
};
