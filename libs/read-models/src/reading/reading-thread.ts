import type { MessagePort } from 'node:worker_threads';
import { toPosition, type Position } from '@shiplog/events';
import { checkedLines, type EventLog, type StoredCommit } from '@shiplog/events/log';

/** What such a thread reads. Plain data. */
export interface Stretch {
  readonly after: Position;
  readonly until: Position;
}

/** From the other side: a piece was used. */
export type Used = 'used';

const COMMITS_OF_A_PIECE = 1_000;
/** On their way: with one alone the server waits while it is looked at. A dense log has them at known places. */
const PIECES_ASKED = 2;
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
  const asked: Promise<readonly StoredCommit[]>[] = [];
  let askedUpTo = Number(after);
  const askAhead = (): void => {
    while (asked.length < PIECES_ASKED) {
      const reading = log.readStored(toPosition(askedUpTo), COMMITS_OF_A_PIECE);
      // Seen when its turn comes.
      reading.catch(() => undefined);
      asked.push(reading);
      askedUpTo += COMMITS_OF_A_PIECE;
    }
  };
  try {
    for (let end = after; end < until;) {
      askAhead();
      const stored = (await asked.shift()) ?? [];
      const last = stored.at(-1);
      if (last === undefined) return;
      if (stored.length < COMMITS_OF_A_PIECE) {
        asked.length = 0;
        askedUpTo = Number(last.position);
      }
      askAhead();
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
