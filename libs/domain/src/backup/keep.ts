/** Which backups stay: the newest ones, and the newest of each of so many days, weeks and months. */
export interface Keep {
  readonly newest: number;
  readonly days: number;
  readonly weeks: number;
  readonly months: number;
}

export const KEEP_FORMS =
  'numbers up to 999 with commas between them, each at most once: "3" (the newest three), "7d" (one of each of 7 days), "4w" (weeks), "12m" (months); for example "3,7d,4w,12m"';

/** Undefined for what is not of `KEEP_FORMS`. */
export const parseKeep = (text: string): Keep | undefined => {
  const counts = new Map<string, number>();
  for (const part of text.split(',')) {
    const match = /^([1-9]\d{0,2})([dwm]?)$/.exec(part);
    const unit = match?.[2];
    if (match === null || unit === undefined || counts.has(unit)) return undefined;
    counts.set(unit, Number(match[1]));
  }
  const of = (unit: string): number => counts.get(unit) ?? 0;
  return { newest: of(''), days: of('d'), weeks: of('w'), months: of('m') };
};

interface Dated {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

const DAY_MS = 86_400_000;
const dayOf = (at: string): string => at.slice(0, 10);
/** Weeks begin on Monday; 1970-01-05 was one. */
const weekOf = (at: string): string => String(Math.floor((Date.parse(at) / DAY_MS - 4) / 7));
const monthOf = (at: string): string => at.slice(0, 7);

/** The ids that stay. The newest backup always does: a policy never leaves nobody with nothing. */
export const kept = (backups: readonly Dated[], keep: Keep): ReadonlySet<string> => {
  const newestFirst = backups.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  const ids = newestFirst.slice(0, Math.max(1, keep.newest)).map(({ id }) => id);
  const oneOfEach = (count: number, periodOf: (at: string) => string): void => {
    const periods = new Set<string>();
    for (const { id, createdAt } of newestFirst) {
      const period = periodOf(createdAt);
      if (periods.has(period)) continue;
      if (periods.size === count) return;
      periods.add(period);
      ids.push(id);
    }
  };
  oneOfEach(keep.days, dayOf);
  oneOfEach(keep.weeks, weekOf);
  oneOfEach(keep.months, monthOf);
  return new Set(ids);
};
