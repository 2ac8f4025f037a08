import type { ActiveApp } from '@shiplog/domain';

/** Process types of which no two instances run, as far as one is wanted. */
export const runningOnce = ({ settings, formation }: ActiveApp): readonly string[] =>
  settings.stopFirst.filter((process) => (formation[process] ?? 0) > 0);

/** What a deploy can spare nobody. */
export const outageText = (process: string): string =>
  `${process}: its old instance stops before the new one starts; none runs in between`;
