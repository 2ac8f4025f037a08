import { toSequence, type Position } from '@shiplog/events';
import type { AnswerOf } from './route.js';

/** What a handler answers, and where in the log it stands. */
export interface Answer<T> {
  readonly body: T;
  /** The answer holds for the log up to here, or this is where the change lies. */
  readonly position: Position;
  /** Revision of the app, for a later If-Match. */
  readonly revision?: string;
}
export type Reply<R> = Promise<Answer<AnswerOf<R>>>;

/** The first event of a commit stands for the change: a repeated request gets the same sequence. */
export const sequenceAt = (position: Position): string => toSequence(position, 0);
