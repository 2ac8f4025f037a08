/** What happened to the first bad commit. Each is defined in one sentence in docs/integrity.md. */
export const KINDS = [
  'altered',
  'missing',
  'inserted',
  'reordered',
  'truncated',
  'forked',
  'rolled back',
] as const;
export type Kind = (typeof KINDS)[number];

/** Something that is wrong at a place of the log, as one kind of evidence shows it. */
export interface Finding {
  readonly position: string;
  readonly kind: Kind;
  /** In words for people. */
  readonly detail: string;
}
