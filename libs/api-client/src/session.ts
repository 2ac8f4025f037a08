import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { ApiError, OutcomeUnknownError, readProblem, UnreachableError } from './problem.js';
import { abortReason } from './retry.js';
import { textOf } from './stream.js';

/** What is to be run, as the first message of a session. */
export interface SessionRequest {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly detach?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export interface SessionOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly request: SessionRequest;
  readonly signal?: AbortSignal;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => void;
}

/** A command that runs on the other side, with its input, output and end. */
export interface Session {
  /** False when so much is on its way that the writer should wait for `drained`. */
  write(chunk: Buffer): boolean;
  drained(): Promise<void>;
  endInput(): void;
  resize(columns: number, rows: number): void;
  /** Stops reading output, so that a slow terminal slows the command down and not our memory up. */
  pause(): void;
  resume(): void;
  /** How it ended, or for a detached one what was started. Rejects when the connection was lost. */
  readonly end: Promise<SessionEnd>;
  close(): void;
}

export interface SessionEnd {
  readonly exitCode: number;
  /** The instance that runs a detached command. */
  readonly instance?: string;
}

const BUFFERED_BYTES_MAX = 1024 * 1024;
const STDOUT = 1;

/** Opens the session and sends the request; the command's output may arrive before this returns. */
export const openSession = async (options: SessionOptions): Promise<Session> => {
  const { WebSocket } = await import('ws');
  const socket = new WebSocket(options.url, { headers: { ...options.headers } });
  const end = endOf(socket, options);
  // The caller awaits `end` later; until then its rejection is not an unhandled one.
  end.catch(() => undefined);
  await opened(socket, options);
  socket.send(JSON.stringify(options.request));

  return {
    write: (chunk) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(chunk);
      return socket.bufferedAmount < BUFFERED_BYTES_MAX;
    },
    drained: () => drained(socket),
    endInput: () => sendText(socket, { stdinEnd: true }),
    resize: (columns, rows) => sendText(socket, { resize: { columns, rows } }),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    end,
    close: () => socket.close(),
  };
};

const sendText = (socket: WebSocket, message: object): void => {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
};

const drained = async (socket: WebSocket): Promise<void> => {
  while (socket.bufferedAmount >= BUFFERED_BYTES_MAX && socket.readyState === socket.OPEN) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const opened = (socket: WebSocket, { url, signal }: SessionOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', (cause) => reject(new UnreachableError(url.origin, { cause })));
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      textOf(response).then(
        (text) => reject(new ApiError(readProblem(response.statusCode ?? 500, text, url.origin))),
        (cause: unknown) => reject(new UnreachableError(url.origin, { cause })),
      );
    });
    signal?.addEventListener('abort', () => {
      socket.terminate();
      reject(abortReason(signal));
    });
  });

const endOf = (socket: WebSocket, { url, onOutput }: SessionOptions): Promise<SessionEnd> =>
  new Promise((resolve, reject) => {
    socket.on('message', (raw: Buffer, isBinary) => {
      if (isBinary) {
        onOutput(raw[0] === STDOUT ? 'stdout' : 'stderr', raw.subarray(1));
        return;
      }
      const message = readMessage(raw);
      if (message instanceof Error) reject(message);
      else if (message.error !== undefined) reject(new ApiError(problemOf(message.error)));
      else if (message.exitCode !== undefined || message.instance !== undefined) {
        resolve(endOfMessage(message));
      }
    });
    const lost = (cause: unknown): void =>
      reject(
        new OutcomeUnknownError(`the connection to ${url.origin} ended before the command`, {
          cause,
        }),
      );
    socket.on('error', lost);
    socket.on('close', (code, reason) =>
      lost(new Error(`WebSocket closed with ${code} ${reason.toString('utf8')}`.trim())),
    );
  });

/** The engine does not know how every command ended; then it did not end well. */
const UNKNOWN_EXIT_CODE = 255;

const endOfMessage = ({ exitCode, instance }: EndMessage): SessionEnd => ({
  exitCode: exitCode === undefined ? 0 : (exitCode ?? UNKNOWN_EXIT_CODE),
  ...(typeof instance === 'string' && { instance }),
});

interface EndMessage {
  readonly exitCode?: number | null;
  readonly instance?: string | null;
  readonly error?: { readonly code: string; readonly message: string; readonly status?: number };
}

const readMessage = (raw: Buffer): EndMessage | Error => {
  try {
    return JSON.parse(raw.toString('utf8')) as EndMessage;
  } catch (error) {
    if (error instanceof SyntaxError) return error;
    throw error;
  }
};

const problemOf = ({ code, message, status }: NonNullable<EndMessage['error']>) => ({
  title: message,
  detail: message,
  status: status ?? 500,
  code,
});
