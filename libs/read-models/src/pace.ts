/** How far something was at a moment. */
export interface Milestone {
  readonly atMs: number;
  /** Of the log. */
  readonly position: number;
  readonly events: number;
}

/** What was done in this time tells how fast it is now. */
const WINDOW_MS = 10_000;
/** Less time than this says nothing. */
const SPAN_MS_MIN = 200;

/** The milestones that are still needed, with the new one. */
export const withMilestone = (
  known: readonly Milestone[],
  milestone: Milestone,
): readonly Milestone[] => {
  const recent = known.findIndex(({ atMs }) => atMs >= milestone.atMs - WINDOW_MS);
  // One before the window, so that a slow job has something to be measured against.
  const kept = recent < 0 ? known.slice(-1) : known.slice(Math.max(0, recent - 1));
  return [...kept, milestone];
};

interface Pace {
  readonly eventsPerSecond: number | null;
  readonly secondsLeft: number | null;
}

/** Events a second lately, and the time that the rest takes at that pace; null while it is not known. */
export const paceOf = (known: readonly Milestone[], total: number): Pace => {
  const [first, last] = [known[0], known.at(-1)];
  const spanMs = first === undefined || last === undefined ? 0 : last.atMs - first.atMs;
  if (first === undefined || last === undefined || spanMs < SPAN_MS_MIN) {
    return { eventsPerSecond: null, secondsLeft: null };
  }
  const positionsPerMs = (last.position - first.position) / spanMs;
  const left = Math.max(0, total - last.position);
  return {
    eventsPerSecond: Math.round(((last.events - first.events) / spanMs) * 1000),
    secondsLeft: positionsPerMs <= 0 ? null : Math.ceil(left / positionsPerMs / 1000),
  };
};
