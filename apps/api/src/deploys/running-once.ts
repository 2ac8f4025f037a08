import { exclusiveVolumeOf, runningOnceOf, type ActiveApp } from '@shiplog/domain';

/** A process type of which none runs while a deploy replaces it. */
interface Outage {
  readonly process: string;
  /** The exclusive volume because of which it is so; null: a setting says so. */
  readonly volume: string | null;
  /** Requests under way, then the grace period. */
  readonly stopSecondsMax: number;
  /** Until the new instance is ready; what takes longer fails the deploy, and the old release is started again. */
  readonly startSecondsMax: number;
}

/** Process types of which no two instances run, as far as one is wanted. */
export const runningOnce = (app: ActiveApp): readonly string[] =>
  runningOnceOf(app).filter((process) => (app.formation[process] ?? 0) > 0);

/** What a deploy can spare nobody. */
export const outagesOf = (app: ActiveApp): readonly Outage[] =>
  runningOnce(app).map((process) => {
    const { drainSeconds, graceSeconds, startTimeoutSeconds } = app.settings;
    return {
      process,
      volume: exclusiveVolumeOf(app, process)?.name ?? null,
      // Requests come to web alone.
      stopSecondsMax: graceSeconds + (process === 'web' ? drainSeconds : 0),
      startSecondsMax: startTimeoutSeconds,
    };
  });

export const outageText = ({
  process,
  volume,
  stopSecondsMax,
  startSecondsMax,
}: Outage): string => {
  const why = volume === null ? '' : ` (volume ${volume} is exclusive)`;
  const times = `up to ${stopSecondsMax} s to end, and until the new one is ready, up to ${startSecondsMax} s`;
  return `${process}: its old instance stops before the new one starts${why}; none runs in between: ${times}`;
};
