import type { Frame, Session } from '@shiplog/bus';

const HEADER_BYTES = 8;

/** Takes the engine's attach stream apart: without a terminal, output and errors come in numbered pieces. */
class AttachDemultiplexer {
  private pending: Buffer = Buffer.alloc(0);

  constructor(private readonly onBytes: (kind: 'stdout' | 'stderr', bytes: Buffer) => void) {}

  push(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    while (this.pending.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + this.pending.readUInt32BE(4);
      if (this.pending.length < end) return;
      this.onBytes(
        this.pending[0] === 2 ? 'stderr' : 'stdout',
        this.pending.subarray(HEADER_BYTES, end),
      );
      this.pending = this.pending.subarray(end);
    }
  }
}

interface TerminalOptions {
  readonly tty: boolean;
  readonly resize: (size: { columns: number; rows: number }) => Promise<unknown>;
}

/**
 * Joins a session with an attached stream of the engine, both ways. Resolves when the stream ended
 * (`ended`) or the session did (`abandoned`).
 */
export const joinTerminal = async (
  session: Session,
  stream: NodeJS.ReadWriteStream,
  { tty, resize }: TerminalOptions,
): Promise<'ended' | 'abandoned'> => {
  const demultiplexer = new AttachDemultiplexer((kind, bytes) => session.send({ kind, bytes }));
  stream.on('data', (chunk: Buffer) => {
    if (tty) session.send({ kind: 'stdout', bytes: chunk });
    else demultiplexer.push(chunk);
  });
  session.onFrame((frame) => take(frame, { session, stream, resize }));
  return await new Promise((resolve) => {
    stream.once('end', () => resolve('ended'));
    stream.once('close', () => resolve('ended'));
    stream.once('error', () => resolve('ended'));
    void session.ended.then(() => resolve('abandoned'));
  });
};

interface Joined {
  readonly session: Session;
  readonly stream: NodeJS.ReadWriteStream;
  readonly resize: TerminalOptions['resize'];
}

/** Either side says `pause` when it cannot take more and `resume` when it can: no dump piles up in memory. */
const take = (frame: Frame, { session, stream, resize }: Joined): void => {
  switch (frame.kind) {
    case 'stdin':
      if (frame.bytes === undefined || !stream.writable) return;
      if (stream.write(frame.bytes) || stream.listenerCount('drain') > 0) return;
      session.send({ kind: 'pause' });
      stream.once('drain', () => session.send({ kind: 'resume' }));
      return;
    case 'pause':
      stream.pause();
      return;
    case 'resume':
      stream.resume();
      return;
    case 'stdin-end':
      stream.end();
      return;
    case 'resize': {
      const { columns, rows } = frame.head ?? {};
      if (typeof columns !== 'number' || typeof rows !== 'number') return;
      // A terminal that has just gone cannot be resized, and need not be.
      resize({ columns, rows }).catch(() => undefined);
      return;
    }
    default:
      return;
  }
};
