import type { Session, SessionEnd, SessionOptions, SessionRequest } from '@shiplog/api-client';
import type { Io } from '../io.js';
import type { Output } from '../output.js';

type Open = (options: Pick<SessionOptions, 'request' | 'onOutput'>) => Promise<Session>;

interface Attachment {
  readonly io: Io;
  readonly out: Output;
  readonly command: readonly string[];
  /** A terminal on the other side; default: when both ends here are one. */
  readonly tty: boolean | undefined;
  readonly more?: Partial<Pick<SessionRequest, 'detach' | 'env'>>;
  readonly open: Open;
}

/** Connects this terminal (or this pipe) with a command on the other side; resolves when it has ended. */
export const attach = async (attachment: Attachment): Promise<SessionEnd> => {
  const { io, out, command, open } = attachment;
  const more: Partial<SessionRequest> = attachment.more ?? {};
  const isTerminal = io.stdin.isTTY === true && io.stdout.isTTY === true && !out.isJson;
  const tty = more.detach === true ? false : (attachment.tty ?? isTerminal);
  const request: SessionRequest = {
    command,
    tty,
    ...(tty && { columns: io.stdout.columns ?? 80, rows: io.stdout.rows ?? 24 }),
    ...more,
  };
  const printer = createPrinter(io, out);
  const session = await open({ request, onOutput: printer.print });
  printer.slowDown(session);
  const release =
    more.detach === true ? () => undefined : connectInput(io, session, tty && isTerminal);
  try {
    return await session.end;
  } finally {
    release();
    session.close();
  }
};

interface Printer {
  readonly print: (stream: 'stdout' | 'stderr', chunk: Buffer) => void;
  readonly slowDown: (session: Session) => void;
}

/** Output goes through as it is: it is the person's own command. In JSON mode, a document per chunk. */
const createPrinter = (io: Io, out: Output): Printer => {
  let session: Session | undefined;
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  const waiting = new Set<'stdout' | 'stderr'>();
  return {
    slowDown: (opened) => {
      session = opened;
    },
    print: (stream, chunk) => {
      if (out.isJson) {
        out.json({ stream, text: decoders[stream].decode(chunk, { stream: true }) });
        return;
      }
      const target = io[stream];
      if (target.write(chunk) || session === undefined) return;
      session.pause();
      // What was under way when the session was paused still arrives: it waits for the same moment.
      if (waiting.has(stream)) return;
      waiting.add(stream);
      target.once('drain', () => {
        waiting.delete(stream);
        if (waiting.size === 0) session?.resume();
      });
    },
  };
};

const connectInput = ({ stdin, stdout }: Io, session: Session, isRaw: boolean): (() => void) => {
  const onData = (chunk: Buffer | string): void => {
    if (session.write(Buffer.from(chunk))) return;
    stdin.pause();
    void session.drained().then(() => stdin.resume());
  };
  const onEnd = (): void => session.endInput();
  const onResize = (): void => session.resize(stdout.columns ?? 80, stdout.rows ?? 24);
  if (isRaw) {
    stdin.setRawMode?.(true);
    stdout.on('resize', onResize);
  }
  stdin.on('data', onData);
  stdin.on('end', onEnd);
  stdin.resume();
  return () => {
    stdin.off('data', onData);
    stdin.off('end', onEnd);
    stdin.pause();
    if (!isRaw) return;
    stdin.setRawMode?.(false);
    stdout.off('resize', onResize);
  };
};
