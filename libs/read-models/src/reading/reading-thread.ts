import type { MessagePort } from 'node:worker_threads';
import { toPosition, type Position } from '@shiplog/events';
import type { CheckedLines } from '@shiplog/events/log';

/** What such a thread reads. Plain data. */
export interface Stretch {
  readonly after: Position;
  readonly until: Position;
}

/** Checked commits after a place, at most so many; undefined where there are none. Asked for in the order of the log. */
export type ReadLines = (after: Position, limit: number) => Promise<CheckedLines | undefined>;

/** From the other side: a piece was used. */
export type Used = 'used';

const COMMITS_OF_A_PIECE = 1_000;
/** On their way: with one alone the server waits while it is looked at. A dense log has them at known places. */
const PIECES_ASKED = 2;
/** Handed over and not used yet. */
const PIECES_AHEAD = 6;

/** The whole of such a thread: reads, and hands over what it read, a few pieces ahead. */
export const serveReading = async (
  port: MessagePort,
  read: ReadLines,
  { after, until }: Stretch,
): Promise<void> => {
  let ahead = 0;
  let goOn = (): void => undefined;
  port.on('message', (_used: Used) => {
    ahead -= 1;
    goOn();
  });
  const asked: Promise<CheckedLines | undefined>[] = [];
  let askedUpTo = Number(after);
  const askAhead = (): void => {
    while (asked.length < PIECES_ASKED) {
      const reading = read(toPosition(askedUpTo), COMMITS_OF_A_PIECE);
      // Seen when its turn comes.
      reading.catch(() => undefined);
      asked.push(reading);
      askedUpTo += COMMITS_OF_A_PIECE;
    }
  };
  try {
    for (let end = Number(after); end < Number(until);) {
      askAhead();
      const piece = await asked.shift();
      if (piece === undefined) return;
      end += piece.ends.length;
      if (piece.ends.length < COMMITS_OF_A_PIECE) {
        asked.length = 0;
        askedUpTo = end;
      }
      askAhead();
      port.postMessage(piece, [piece.bytes.buffer, piece.ends.buffer]);
      ahead += 1;
      while (ahead >= PIECES_AHEAD) await new Promise<void>((resolve) => (goOn = resolve));
    }
  } finally {
    port.close();
  }
};
