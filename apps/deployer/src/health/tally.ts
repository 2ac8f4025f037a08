import type { Check } from '@shiplog/events';

/** Good and bad answers in a row; one of the two is always 0. */
export interface Tally {
  readonly good: number;
  /** In intervals: an answer that was waited for through several of them is as bad as as many refusals. */
  readonly bad: number;
}

export const FRESH: Tally = { good: 0, bad: 0 };

export const counted = (
  { good, bad }: Tally,
  answer: { readonly isReady: boolean; readonly tookMs: number },
  { intervalMs }: Pick<Check, 'intervalMs'>,
): Tally =>
  answer.isReady
    ? { good: good + 1, bad: 0 }
    : { good: 0, bad: bad + Math.max(1, Math.floor(answer.tookMs / intervalMs)) };

/** An instance that was unready so recently is one that may be so again. */
export const FLAP_MS = 600_000;
/** What flaps has to be good for at most this long before it is taken back. */
const PROVE_MS_MAX = 60_000;

/**
 * Good answers in a row that an unready instance needs: as many as were asked for the first time, twice as
 * many with each time that it was unready before within ten minutes, and never more than a minute of them.
 * So an instance that goes up and down writes two events a minute at most, and not four a second.
 */
export const successesNeeded = (
  { successes, intervalMs }: Pick<Check, 'successes' | 'intervalMs'>,
  timesUnready: number,
): number => {
  const most = Math.max(successes, Math.ceil(PROVE_MS_MAX / intervalMs));
  return Math.min(most, successes * 2 ** Math.min(20, Math.max(0, timesUnready - 1)));
};
