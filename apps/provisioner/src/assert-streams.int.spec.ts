import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/nats-core';
import { START } from '@shiplog/events';
import { HEALTH_STREAM, JetStreamEventLog, LOG_STREAM } from '@shiplog/events/jetstream';
import { connectNats, inboxPrefixOf, pathsOf } from '@shiplog/runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { assertStreams } from './assert-streams.js';
import { findNatsServer } from './find-nats-server.js';
import { logStreamConfig } from './log-stream.js';
import { provision } from './provision.js';
import { spawnServer, stopServerProcess, type StartedServer } from './server-process.js';
import { startTestNats, type TestNats } from './testing/index.js';

let nats: TestNats;
let open: StartedServer;
let administrator: NatsConnection;
beforeAll(async () => {
  nats = await startTestNats();
  // Nobody can change the log on our server: somebody started it with another configuration.
  await nats.server().stop();
  const { natsConfig } = pathsOf(nats.config.home);
  const text = await readFile(natsConfig, 'utf8');
  await writeFile(natsConfig, text.replace(/ +mappings \{[^}]*\}/, ''));
  const output = join(nats.config.home, 'open.out');
  open = await spawnServer(nats.config.home, await findNatsServer(), output);
  administrator = await connectNats(nats.config, 'provisioner');
  await vi.waitFor(() => assertStreams(administrator), { timeout: 10_000 });
});
afterAll(async () => {
  await administrator.close();
  await stopServerProcess(open.pid);
  await nats.close();
});
afterEach(() => update({}));

const ask = async (verb: string, body: object | string): Promise<{ error?: unknown }> => {
  const subject = `$JS.API.STREAM.${verb}.${LOG_STREAM}`;
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  return (await administrator.request(subject, payload)).json();
};

const update = async (change: object): Promise<void> => {
  expect((await ask('UPDATE', { ...logStreamConfig(), ...change })).error).toBeUndefined();
};

describe('the log stream', () => {
  it('is accepted as it was created, again and again', async () => {
    await assertStreams(administrator);
    await assertStreams(administrator);
  });

  it.each([
    ['max_age', { max_age: 3_600_000_000_000 }],
    ['max_msgs', { max_msgs: 10 }],
    ['max_bytes', { max_bytes: 1_000_000 }],
    ['max_msgs_per_subject', { max_msgs_per_subject: 5 }],
    ['discard', { discard: 'old' }],
    ['allow_rollup_hdrs', { deny_purge: true, allow_rollup_hdrs: false, allow_direct: false }],
    ['subjects', { subjects: ['log.>', 'other.>'] }],
    ['republish', { republish: { src: 'log.>', dest: 'hint.>', headers_only: false } }],
    ['duplicate_window', { duplicate_window: 1_000_000_000 }],
    ['max_msg_size', { max_msg_size: 2_000_000 }],
    ['metadata', { metadata: { owner: 'somebody' } }],
  ])('is refused when somebody changed %s', async (_, change) => {
    await update(change);
    await expect(assertStreams(administrator)).rejects.toMatchObject({
      code: 'log-stream-refused',
      message: expect.stringContaining(Object.keys(change).at(-1) ?? '') as unknown,
    });
  });

  it('that somebody changes at run time is told to doctor, and that it is well again', async () => {
    const checkOf = async (): Promise<unknown> =>
      JSON.parse(await readFile(pathsOf(nats.config.home).natsStreamCheck, 'utf8'));
    await provision(nats.config);
    expect(await checkOf()).toMatchObject({ settings: null, gaps: null });
    await update({ max_bytes: 1_000_000 });
    await expect(provision(nats.config)).rejects.toMatchObject({ code: 'log-stream-refused' });
    expect(await checkOf()).toMatchObject({
      checkedAt: expect.stringMatching(/^20/) as string,
      settings: expect.stringContaining('max_bytes is 1000000, must be -1') as string,
      gaps: null,
    });
    await update({});
    await provision(nats.config);
    expect(await checkOf()).toMatchObject({ settings: null, gaps: null });
  });

  it('keeps every message, even from its administrator', async () => {
    expect((await ask('PURGE', '')).error).toBeDefined();
    expect((await ask('MSG.DELETE', { seq: 1 })).error).toBeDefined();
    expect((await ask('UPDATE', { ...logStreamConfig(), deny_purge: false })).error).toBeDefined();
  });
});

describe('the stream of probes', () => {
  const stateOf = async (): Promise<{ messages: number; bytes: number }> => {
    const answer = await administrator.request(`$JS.API.STREAM.INFO.${HEALTH_STREAM}`);
    return answer.json<{ state: { messages: number; bytes: number } }>().state;
  };

  it('holds the newest of each process, and the log nothing of them', async () => {
    for (const process of ['api', 'gc'] as const) {
      const connection = await connectNats(nats.config, process);
      const log = new JetStreamEventLog(connection, {
        inboxPrefix: inboxPrefixOf(process),
        process,
        durability: () => Promise.resolve('disk'),
      });
      for (let i = 0; i < 50; i += 1) await log.probe();
      expect(await log.head()).toBe(START);
      await connection.close();
    }
    expect(await stateOf()).toMatchObject({ messages: 2 });
    expect((await stateOf()).bytes).toBeLessThan(1_000);
  });
});
