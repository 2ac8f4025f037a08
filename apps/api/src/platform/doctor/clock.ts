import { bad, ok, spanOf, type Verdict } from './verdict.js';

export interface Clocks {
  readonly nowMs: number;
  /** Of the newest commit; undefined for an empty log. */
  readonly newestMs: number | undefined;
  /** By how much the clocks of other processes are ahead of ours; behind where negative. */
  readonly aheadMs: ReadonlyMap<string, number>;
}

const SKEW_MS_MAX = 5_000;
const REMEDY = 'set the clock of the machine: `timedatectl set-ntp true`, or chrony';

/** Order never depends on clocks, but expiry of tokens, ages and `--at TIME` do. */
export const clockVerdict = ({ nowMs, newestMs, aheadMs }: Clocks): Verdict => {
  if (newestMs !== undefined && newestMs - nowMs > SKEW_MS_MAX) {
    const future = spanOf(newestMs - nowMs);
    return bad(
      'failed',
      `the newest commit is ${future} in the future: the clock here was set back, or runs behind`,
      REMEDY,
    );
  }
  const skewed = [...aheadMs].filter(([, ms]) => Math.abs(ms) > SKEW_MS_MAX);
  if (skewed.length === 0) return ok('no commit is of the future; all processes agree');
  const all = skewed.map(
    ([name, ms]) => `that of ${name} is ${spanOf(Math.abs(ms))} ${ms > 0 ? 'ahead' : 'behind'}`,
  );
  return bad('warning', `clocks differ: ${all.join(', ')}`, REMEDY);
};
