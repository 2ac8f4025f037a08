import type { MessagePort } from 'node:worker_threads';
import type { Position } from '@shiplog/events';
import { checkedLines, type EventLog } from '@shiplog/events/log';

/** What such a thread reads. Plain data. */
export interface Stretch {
  readonly after: Position;
  readonly until: Position;
}

/** From the other side: a piece was used. */
export type Used = 'used';

const COMMITS_OF_A_PIECE = 1_000;
/** Handed over and not used yet. */
const PIECES_AHEAD = 6;

/** The whole of such a thread: reads, checks, and hands over `CheckedLines`, a few pieces ahead. */
export const serveReading = async (
  port: MessagePort,
  log: Pick<EventLog, 'readStored'>,
  { after, until }: Stretch,
): Promise<void> => {
  let ahead = 0;
  let goOn = (): void => undefined;
  port.on('message', (_used: Used) => {
    ahead -= 1;
    goOn();
  });
  const read = (position: Position) => log.readStored(position, COMMITS_OF_A_PIECE);
  try {
    let next = read(after);
    for (let end = after; end < until;) {
      const stored = await next;
      const last = stored.at(-1);
      if (last === undefined) return;
      next = read(last.position);
      // Seen when its turn comes.
      next.catch(() => undefined);
      const piece = checkedLines(Number(end) + 1, stored);
      port.postMessage(piece, [piece.bytes.buffer, piece.ends.buffer]);
      end = last.position;
      ahead += 1;
      while (ahead >= PIECES_AHEAD) await new Promise<void>((resolve) => (goOn = resolve));
    }
  } finally {
    port.close();
  }
};
