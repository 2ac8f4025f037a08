/** Commits between two snapshots, as long as there are few of them: so many are folded in a second or two. */
export const SNAPSHOT_EVERY = 50_000;
/** From so many times that on they lie further apart. */
const DENSE = 32;

/**
 * After how many commits of the log the next snapshot is kept, after one of so many. A snapshot is as large
 * as what was folded into it: kept every 50,000 commits of a log of years, they would be copied for longer
 * than the log takes to fold, a thousand times as much for a log ten times as long. Whenever the log doubled,
 * they lie twice as far apart, so that between two of them about as long is folded as it takes to copy one.
 */
export const nextPlace = (commits: number, every = SNAPSHOT_EVERY): number => {
  let step = every;
  while (commits >= step * DENSE) step *= 2;
  return (Math.floor(commits / step) + 1) * step;
};
