import { spawn, type ChildProcess } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { endOf, gitEnvironment } from './git-command.js';

export interface BackendCall {
  readonly projectRoot: string;
  /** Path below it, made of our own ids: `/<app id>.git/git-receive-pack`. */
  readonly path: string;
  readonly query: string;
  readonly hooks: string;
  /** Handed through to the hooks. */
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string;
  /** A push goes on without its pusher once it has arrived whole; a fetch does not. */
  readonly outlivesClient: boolean;
}

/** A client that sends nothing for so long has gone. */
const SILENCE_MS = 120_000;
const HEADER_BYTES_MAX = 16 * 1024;

/** Runs `git http-backend` (CGI, git-http-backend(1)), streaming both ways. Resolves when it ended. */
export const runHttpBackend = async (
  call: BackendCall,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const child = spawn('git', ['http-backend'], {
    env: gitEnvironment({ ...cgiEnvironment(call, request), ...call.environment }, call.hooks),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = endOf(child, 'git http-backend');
  // It may end before it is waited for; how, is looked at below.
  ended.catch(() => undefined);
  sendBody(request, child);
  let isClientGone = false;
  response.on('close', () => {
    if (response.writableFinished) return;
    isClientGone = true;
    if (call.outlivesClient && request.complete) child.stdout.resume();
    else child.kill();
  });
  await answer(child.stdout, response);
  try {
    await ended;
  } catch (error) {
    // Git has told its client what was wrong with the request, or there is no client any more.
    if (!response.headersSent && !isClientGone) throw error;
  }
};

const cgiEnvironment = (
  { projectRoot, path, query, user }: BackendCall,
  { method = 'GET', headers, socket }: IncomingMessage,
): Record<string, string> => {
  const protocol = headers['git-protocol'];
  return {
    GIT_PROJECT_ROOT: projectRoot,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: path,
    QUERY_STRING: query,
    REQUEST_METHOD: method,
    REMOTE_USER: user,
    REMOTE_ADDR: socket.remoteAddress ?? '',
    CONTENT_TYPE: headers['content-type'] ?? '',
    ...(headers['content-length'] === undefined
      ? {}
      : { CONTENT_LENGTH: headers['content-length'] }),
    ...(headers['content-encoding'] === undefined
      ? {}
      : { HTTP_CONTENT_ENCODING: headers['content-encoding'] }),
    ...(typeof protocol === 'string' && /^[a-z0-9=:,.-]{1,100}$/.test(protocol)
      ? { GIT_PROTOCOL: protocol }
      : {}),
  };
};

const sendBody = (request: IncomingMessage, child: ChildProcess): void => {
  const { stdin } = child;
  if (stdin === null) return;
  // Git may refuse in the middle of a body and go: that is its answer, not our failure.
  stdin.on('error', () => request.resume());
  const silence = setTimeout(() => request.destroy(), SILENCE_MS);
  request.on('data', () => silence.refresh());
  request.on('close', () => clearTimeout(silence));
  request.on('end', () => clearTimeout(silence));
  request.pipe(stdin);
};

/** Head of a CGI answer, then its body as it comes. */
const answer = async (stdout: Readable, response: ServerResponse): Promise<void> => {
  let buffer = Buffer.alloc(0);
  let isHead = true;
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    if (!isHead) {
      await write(response, chunk);
      continue;
    }
    buffer = Buffer.concat([buffer, chunk]);
    const end = /\r?\n\r?\n/.exec(buffer.toString('latin1'));
    if (end === null) {
      if (buffer.length > HEADER_BYTES_MAX) break;
      continue;
    }
    isHead = false;
    sendHead(response, buffer.toString('latin1', 0, end.index));
    await write(response, buffer.subarray(end.index + end[0].length));
  }
  if (isHead && !response.headersSent) response.writeHead(502, { 'Content-Type': 'text/plain' });
  response.end();
};

const sendHead = (response: ServerResponse, head: string): void => {
  let status = 200;
  for (const line of head.split(/\r?\n/)) {
    const [, name, value] = /^([A-Za-z-]+): (.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    if (name === 'Status') status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
  response.flushHeaders();
};

/** Waits while the client is slow; returns when it has gone: what comes then is thrown away. */
const write = (response: ServerResponse, chunk: Buffer): Promise<void> => {
  if (chunk.length === 0 || response.destroyed || response.write(chunk)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
};
