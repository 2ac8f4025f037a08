import type { Position } from '@shiplog/events';
import { Past } from '../time/past.js';
import type { ReadModels } from '../read-models.port.js';
import type { RecordedPlatform } from './platform.js';

/** The read models of a recorded platform, folded in memory; of now, or as they were. */
export const documentsOf = async (
  { log }: Pick<RecordedPlatform, 'log'>,
  at?: Position,
): Promise<ReadModels> => new Past(log).at(at ?? (await log.head()));

export const textOf = async (lines: AsyncIterable<string>): Promise<string> => {
  let text = '';
  for await (const line of lines) text += line;
  return text;
};
