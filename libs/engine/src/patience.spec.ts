import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine } from './engine.js';
import { NoAnswerError } from './patience.js';

const WITHIN_MS = 150;

/** By the id that is asked for: what becomes of the call. */
const answer = ({ url = '' }: IncomingMessage, response: ServerResponse): unknown => {
  const say = () => response.end(JSON.stringify({ Id: 'c1' }));
  if (url.includes('hangs') || url.includes('/prune')) return undefined;
  if (url.includes('stalls')) return response.write('{"Id":');
  if (url.includes('slow')) return setTimeout(say, WITHIN_MS + 200);
  if (url.includes('cut')) {
    response.writeHead(200, { 'content-length': '100' });
    return response.write('{"Id":', () => response.socket?.destroy());
  }
  return say();
};

describe('a client of the engine with patience for so long', () => {
  const server = createServer((asked, response) => void answer(asked, response));
  let folder: string;
  let docker: Docker;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'patience-'));
    const socket = join(folder, 'engine.sock');
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    docker = connectEngine({ host: `unix://${socket}`, answerWithinMs: WITHIN_MS });
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });

  it.each(['hangs', 'stalls'])('gives a call up that %s', async (id) => {
    const began = performance.now();
    await expect(docker.getContainer(id).inspect()).rejects.toBeInstanceOf(NoAnswerError);
    expect(performance.now() - began).toBeGreaterThanOrEqual(WITHIN_MS - 5);
  });

  it('hears at once that an answer breaks off in the middle', async () => {
    const patient = connectEngine({
      host: `unix://${join(folder, 'engine.sock')}`,
      answerWithinMs: 60_000,
    });
    await expect(patient.getContainer('cut').inspect()).rejects.toThrow('aborted');
  });

  it('gives a stop its grace period besides', async () => {
    await docker.getContainer('slow').stop({ t: 1 });
    await expect(docker.getContainer('slow').stop({ t: 0 })).rejects.toBeInstanceOf(NoAnswerError);
  });

  it('does not wait for ever for the cleaning of what builds left', async () => {
    await expect(docker.pruneBuilder()).rejects.toBeInstanceOf(NoAnswerError);
  });

  it('waits for the end of a program for as long as it takes', async () => {
    expect(await docker.getContainer('slow').wait()).toMatchObject({ Id: 'c1' });
  });

  it('lets a stream go on that has begun, and ends it when it is told to', async () => {
    const told = new AbortController();
    const stream = await docker.getEvents({
      filters: { label: ['stalls'] },
      abortSignal: told.signal,
    });
    const ended = new Promise((resolve) => stream.once('close', resolve));
    stream.on('error', () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 2 * WITHIN_MS));
    expect((stream as unknown as IncomingMessage).destroyed).toBe(false);
    told.abort();
    await ended;
  });
});
