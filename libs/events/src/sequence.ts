/** A place in the log. Zero-padded decimal, so that string order is log order. */
export type Position = string;

/** Before the first commit. */
export const START: Position = '0'.repeat(20);

export const toPosition = (n: number | bigint): Position => n.toString().padStart(20, '0');

/** How far apart two positions are: the number of commits where positions are dense. */
export const distance = (after: Position, until: Position): number =>
  Number(BigInt(until) - BigInt(after));

/** The position that reading goes on from to get this one first. */
export const positionBefore = (position: Position): Position =>
  position === START ? START : toPosition(BigInt(position) - 1n);

/** What users see: log position and index of the event in its commit, `<20 digits>-<4 digits>`. */
export type Sequence = string;

export const SEQUENCE_PATTERN = /^\d{20}-\d{4}$/;

export const toSequence = (position: Position, eventIndex: number): Sequence =>
  `${position}-${eventIndex.toString().padStart(4, '0')}`;

export const positionOf = (sequence: Sequence): Position => sequence.slice(0, 20);
