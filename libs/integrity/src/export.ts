/** The first and the last line of an exported log; docs/integrity.md defines the format. */
export const exportHead = (platform: string, dense: boolean): string =>
  JSON.stringify({ export: { v: 1, platform, dense } });

/** A file without it was cut off. */
export const exportEnd = (commits: number): string => JSON.stringify({ end: { commits } });
