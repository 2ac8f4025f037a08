import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import {
  ApiError,
  ConnectionLostError,
  OutcomeUnknownError,
  readProblem,
  UNREADABLE_BODY,
  UnreachableError,
} from './problem.js';
import { abortReason, neverArrived } from './retry.js';

export interface StreamRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readable;
  readonly signal?: AbortSignal;
}

const LINE_CHARACTERS_MAX = 4 * 1024 * 1024;
const ERROR_BYTES_MAX = 256 * 1024;

/**
 * A request whose answer (or body) is a stream. Not `fetch`: that one cuts a stream on which nothing
 * came for five minutes, and a quiet app's log is quiet for longer.
 */
export const openStream = async (options: StreamRequest): Promise<IncomingMessage> => {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const send = options.url.protocol === 'https:' ? httpsRequest : httpRequest;
    const { method, headers, signal } = options;
    const outgoing = send(options.url, { method, headers, ...(signal && { signal }) }, resolve);
    // A server that refuses an upload answers and hangs up; the answer may be read after the hang-up.
    const graceMs = options.body === undefined ? 0 : 100;
    const fail = (cause: unknown): void =>
      void setTimeout(() => reject(failureOf(options, cause)), graceMs);
    outgoing.on('error', fail);
    outgoing.on('socket', (socket) => socket.setKeepAlive(true, 30_000));
    if (options.body === undefined) outgoing.end();
    else
      pipeline(options.body, outgoing, (cause) => {
        if (cause) fail(cause);
      });
  });
  const status = response.statusCode ?? 0;
  if (status < 400) return response;
  throw new ApiError(readProblem(status, await textOf(response), options.url.origin));
};

const failureOf = ({ url, method, signal }: StreamRequest, cause: unknown): Error => {
  if (signal?.aborted === true) return abortReason(signal);
  // A body that could not be read (a file vanished) is the caller's failure, not the network's.
  if (cause instanceof Error && 'code' in cause && cause.code === UNREADABLE_BODY) return cause;
  if (method === 'GET' || neverArrived(cause)) return new UnreachableError(url.origin, { cause });
  return new OutcomeUnknownError(`${method} ${url.href}`, { cause });
};

/** The whole answer as text, cut at 256 KiB: error pages of strangers may be of any length. */
export const textOf = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ERROR_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** Lines of a stream without their ends; the last one also when no line end follows. `charactersMax`: default 4 Mi. */
export async function* linesOf(
  source: AsyncIterable<Buffer>,
  charactersMax = LINE_CHARACTERS_MAX,
): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of source) {
    const parts = (rest + decoder.write(chunk)).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > charactersMax) throw new Error('a line of more than 4 MiB was sent');
    for (const part of parts) yield part.endsWith('\r') ? part.slice(0, -1) : part;
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}

/** A stream of lines from the server; a connection that breaks becomes `ConnectionLostError`. */
export async function* responseLines(options: StreamRequest): AsyncGenerator<string> {
  const response = await openStream(options);
  try {
    yield* linesOf(response);
  } catch (cause) {
    if (options.signal?.aborted === true) throw abortReason(options.signal);
    throw new ConnectionLostError(options.url.origin, { cause });
  } finally {
    response.destroy();
  }
}

/** Newline-delimited JSON: one value per line, empty lines (keep-alives) left out. */
export async function* ndjson<T>(options: StreamRequest): AsyncGenerator<T> {
  for await (const line of responseLines(options)) {
    if (line.trim() === '') continue;
    yield JSON.parse(line) as T;
  }
}
