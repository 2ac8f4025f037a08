/** A snapshot as far as thinning looks at it. */
export interface Thinnable {
  /** Commits of the log up to it. */
  readonly commits: number;
  readonly bytes: number;
}

/**
 * The snapshots to give up so that the rest fits into `bytesMax`: what leaves the smallest gap for its
 * age goes first, so that the newest past is dense and the old one sparse, and no stretch is bare. The
 * newest one stays whatever its size: the next one is made from it.
 */
export const thinOut = <S extends Thinnable>(
  snapshots: readonly S[],
  bytesMax: number,
): readonly S[] => {
  const kept = snapshots.toSorted((a, b) => a.commits - b.commits);
  const dropped: S[] = [];
  const head = kept.at(-1)?.commits ?? 0;
  let bytes = kept.reduce((sum, one) => sum + one.bytes, 0);
  while (bytes > bytesMax && kept.length > 1) {
    const costs = kept.slice(0, -1).map(({ commits }, i) => {
      const gap = (kept[i + 1]?.commits ?? head) - (kept[i - 1]?.commits ?? 0);
      return gap / (head - commits + 1);
    });
    const [gone] = kept.splice(costs.indexOf(Math.min(...costs)), 1);
    if (gone === undefined) break;
    bytes -= gone.bytes;
    dropped.push(gone);
  }
  return dropped;
};
