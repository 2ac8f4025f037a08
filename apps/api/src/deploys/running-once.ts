import { exclusiveVolumeOf, runningOnceOf, type ActiveApp } from '@shiplog/domain';

/** Process types of which no two instances run, as far as one is wanted. */
export const runningOnce = (app: ActiveApp): readonly string[] =>
  runningOnceOf(app).filter((process) => (app.formation[process] ?? 0) > 0);

/** What a deploy can spare nobody. */
export const outageText = (app: ActiveApp, process: string): string => {
  const volume = exclusiveVolumeOf(app, process);
  const why = volume === undefined ? '' : ` (volume ${volume.name} is exclusive)`;
  return `${process}: its old instance stops before the new one starts${why}; none runs in between`;
};
