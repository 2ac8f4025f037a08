import type { World } from '@shiplog/domain';
import type { Response } from 'express';
import { isStillUsable, type Caller } from '../auth/caller.js';
import { streamTo } from './line-stream.js';

/** One JSON value per line. Empty lines keep the connection open. */
export const sendLines = <T>(
  response: Response,
  watched: { readonly world: World; readonly caller: Caller },
  produce: (signal: AbortSignal) => AsyncIterable<T>,
): Promise<void> =>
  streamTo(
    response,
    {
      contentType: 'application/x-ndjson; charset=utf-8',
      heartbeat: '\n',
      mayGoOn: () => isStillUsable(watched.world, watched.caller, Date.now()),
    },
    (signal) => lines(produce(signal)),
  );

async function* lines<T>(values: AsyncIterable<T>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`;
}
