import { bad, ok, type Verdict } from './verdict.js';

/** More than this is no longer what is on its way. */
export const LAG_COMMITS_MAX = 1_000;

/**
 * How far a worker read, added to what is known of it. `behind`: commits that it lacked when it said so last,
 * a few seconds ago at most; undefined for one that did not say.
 */
export const withLag = (verdict: Verdict, behind: number | undefined, worker: string): Verdict => {
  if (behind === undefined || verdict.state === 'failed') return verdict;
  const summary = `${verdict.summary}; ${behind === 0 ? 'read to the end of the log' : `${behind} commits behind`}`;
  return behind <= LAG_COMMITS_MAX
    ? { ...verdict, summary }
    : bad('warning', summary, `wait; if it grows, see the log of ${worker} and restart it`);
};

/** Of the read models that queries are answered from. */
export const readModelsVerdict = (behind: number): Verdict =>
  behind <= LAG_COMMITS_MAX
    ? ok(behind === 0 ? 'up to date' : `${behind} commits behind`)
    : bad(
        'warning',
        `queries are ${behind} commits behind`,
        'wait; if it stays, `shiplog rebuild` makes them again from the log',
      );
