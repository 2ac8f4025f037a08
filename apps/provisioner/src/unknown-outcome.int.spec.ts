import type { NatsConnection } from '@nats-io/nats-core';
import { START } from '@shiplog/events';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { LogUnavailableError, type AppendResult, type EventLog } from '@shiplog/events/log';
import { NO_COMMIT, appendMany, commitAfter, newStream } from '@shiplog/events/testing';
import { connectNats, inboxPrefixOf } from '@shiplog/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startNatsProxy, type NatsProxy } from './testing/nats-proxy.js';
import { startTestNats, type TestNats } from './testing/index.js';

let nats: TestNats;
let proxy: NatsProxy;
let connection: NatsConnection;
let log: JetStreamEventLog;

const openLog = (
  times: { attemptTimeoutMs?: number; deadlineMs?: number } = {},
): JetStreamEventLog =>
  new JetStreamEventLog(connection, {
    inboxPrefix: inboxPrefixOf('api'),
    process: 'api',
    durability: () => Promise.resolve('disk'),
    ...times,
  });

beforeEach(async () => {
  nats = await startTestNats();
  proxy = await startNatsProxy(nats.config.natsPort);
  connection = await connectNats(nats.config, 'api', { url: `nats://127.0.0.1:${proxy.port}` });
  log = openLog({ attemptTimeoutMs: 300, deadlineMs: 20_000 });
});
afterEach(async () => {
  await log.close();
  await connection.close();
  await proxy.close();
  await nats.close();
});

describe('an append whose answer is lost', () => {
  it('is reported as appended, and is in the log once', async () => {
    const stream = newStream();
    const commit = commitAfter(stream, NO_COMMIT);
    proxy.setOnce('cut-after');
    const result = await log.append(stream, NO_COMMIT.revision, commit);
    expect(proxy.struck()).toBe(1);
    expect(result).toMatchObject({ outcome: 'appended' });
    expect(await log.read(stream)).toHaveLength(1);
  });

  it('is published again when it never arrived', async () => {
    const stream = newStream();
    proxy.setOnce('cut-in-headers');
    const result = await log.append(stream, NO_COMMIT.revision, commitAfter(stream, NO_COMMIT));
    expect(proxy.struck()).toBe(1);
    expect(result).toMatchObject({ outcome: 'appended' });
    expect(await log.read(stream)).toHaveLength(1);
  });

  it('is a conflict only when another commit took its place', async () => {
    const stream = newStream();
    const direct = await connectNats(nats.config, 'api');
    const other = new JetStreamEventLog(direct, {
      inboxPrefix: inboxPrefixOf('api'),
      process: 'api',
      durability: () => Promise.resolve('disk'),
    });
    proxy.setSilent(true);
    const appending = appendMany(other, stream, 1).then(() =>
      log.append(stream, NO_COMMIT.revision, commitAfter(stream, NO_COMMIT)),
    );
    await waitUntil(() => proxy.struck() > 0);
    proxy.setSilent(false);
    expect(await appending).toEqual({ outcome: 'conflict' });
    expect(await other.read(stream)).toHaveLength(1);
    await direct.close();
  });

  it('is said to be unknown when the log stays away, and can be repeated later', async () => {
    const hurried = openLog({ attemptTimeoutMs: 50, deadlineMs: 200 });
    const stream = newStream();
    const commit = commitAfter(stream, NO_COMMIT);
    proxy.setSilent(true);
    const failure = await hurried
      .append(stream, NO_COMMIT.revision, commit)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LogUnavailableError);
    expect(failure).toMatchObject({ outcome: 'unknown' });
    proxy.setSilent(false);
    const repeated = await log.append(stream, NO_COMMIT.revision, commit);
    expect(repeated).toMatchObject({ outcome: 'appended' });
    expect(await log.read(stream)).toHaveLength(1);
    await hurried.close();
  });
});

/** Writers that go on until they are told to end; each has an aggregate of its own, so that no conflict is a true one. */
const startLoad = (writers: number, log: EventLog) => {
  const acknowledged = new Map<string, string>();
  let unknown = 0;
  let isOver = false;
  /** Asks again with the same commit, as who was not told what became of it does. */
  const untilTold = async (append: () => Promise<AppendResult>): Promise<AppendResult> => {
    for (;;) {
      try {
        return await append();
      } catch (error) {
        if (!(error instanceof LogUnavailableError)) throw error;
        unknown += 1;
      }
    }
  };
  const write = async (): Promise<void> => {
    const stream = newStream();
    let end = NO_COMMIT;
    while (!isOver) {
      const commit = commitAfter(stream, end);
      const result = await untilTold(() => log.append(stream, end.revision, commit));
      if (result.outcome !== 'appended') throw new Error('a false conflict');
      acknowledged.set(commit.id, result.position);
      end = { revision: result.revision, version: end.version + 1, hash: result.hash };
    }
  };
  const writing = Promise.all(Array.from({ length: writers }, write));
  return {
    acknowledged,
    unknown: () => unknown,
    end: async (): Promise<void> => {
      isOver = true;
      await writing;
    },
  };
};

/** Every acknowledged commit is there, once, in its place; no place was given to two. */
const expectAllThere = async (acknowledged: ReadonlyMap<string, string>): Promise<void> => {
  const all = await log.readAfter(START, 1_000_000);
  const stored = new Map(all.map(({ commit, position }) => [commit.id, position]));
  expect(stored.size).toBe(all.length);
  expect(new Set(acknowledged.values()).size).toBe(acknowledged.size);
  expect([...acknowledged].filter(([id, position]) => stored.get(id) !== position)).toEqual([]);
};

/** `node test/long/nats-server-faults.mjs` makes both what the issue asks for: 100 and 30 seconds. */
const KILLS = Number(process.env['SHIPLOG_KILLS'] ?? 8);
const FREEZE_MS = Number(process.env['SHIPLOG_FREEZE_SECONDS'] ?? 0) * 1_000;
const COMMITS_BETWEEN = 50;
const WRITERS = 16;

describe('a nats-server under load', () => {
  it(
    `killed with -9, ${KILLS} times, loses nothing that was acknowledged and uses no position again`,
    { timeout: 60_000 + KILLS * 2_000 },
    async () => {
      const load = startLoad(WRITERS, log);
      for (let kills = 0; kills < KILLS; kills += 1) {
        const before = load.acknowledged.size;
        await waitUntil(() => load.acknowledged.size > before + COMMITS_BETWEEN);
        await nats.restart();
      }
      await load.end();
      expect(load.acknowledged.size).toBeGreaterThan(KILLS * COMMITS_BETWEEN);
      await expectAllThere(load.acknowledged);
      const { acknowledged, unknown } = load;
      console.log(
        JSON.stringify({ kills: KILLS, acknowledged: acknowledged.size, unknown: unknown() }),
      );
    },
  );

  it(
    'frozen, leaves nobody waiting, loses nothing and goes on when it is thawed',
    { timeout: 60_000 + FREEZE_MS },
    async () => {
      const patient = openLog();
      const load = startLoad(WRITERS, patient);
      await waitUntil(() => load.acknowledged.size > 100);
      process.kill(nats.server().pid, 'SIGSTOP');
      const frozenAt = performance.now();
      const probed = await patient.probe().catch((error: unknown) => error);
      await waitUntil(() => load.unknown() >= WRITERS);
      const toldAfterMs = performance.now() - frozenAt;
      await waitUntil(() => performance.now() - frozenAt >= FREEZE_MS);
      const [unknown, before] = [load.unknown(), load.acknowledged.size];
      process.kill(nats.server().pid, 'SIGCONT');
      expect(probed).toBeInstanceOf(LogUnavailableError);
      expect(toldAfterMs).toBeLessThan(8_000 + 2_000 + 1_000);
      await waitUntil(() => load.acknowledged.size > before + 500);
      await load.end();
      await expectAllThere(load.acknowledged);
      const frozenMs = Math.max(FREEZE_MS, Math.round(toldAfterMs));
      const acknowledged = load.acknowledged.size;
      console.log(JSON.stringify({ frozenMs, toldAfterMs, unknown, acknowledged }));
    },
  );
});

const waitUntil = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};
