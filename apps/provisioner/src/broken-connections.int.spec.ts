import type { NatsConnection } from '@nats-io/nats-core';
import { type Position } from '@shiplog/events';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import type { EventLog } from '@shiplog/events/log';
import {
  appendMany,
  commitAfter,
  newStream,
  violationsOf,
  type StreamEnd,
} from '@shiplog/events/testing';
import { connectNats, inboxPrefixOf } from '@shiplog/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNatsProxy, type Fate, type NatsProxy } from './testing/nats-proxy.js';
import { startTestNats, type TestNats } from './testing/index.js';
import { Recorder, storedAtEnd, until } from './testing/recorder.js';
import { randomFrom } from './testing/random.js';

/** `SHIPLOG_SEEDS=5000`, or one that failed: `SHIPLOG_SEED=17 SHIPLOG_SEEDS=1`. */
const FIRST_SEED = Number(process.env['SHIPLOG_SEED'] ?? 1);
const SEEDS = Number(process.env['SHIPLOG_SEEDS'] ?? 50);
const SEEDS_AT_ONCE = 10;
const PROCESSES = 2;
const WRITERS = 6;
const CHANGES = 6;
const STREAMS = 3;
/** Short, so that a commit can be late: what is delayed longer comes when its writer has given up. */
const TIMES = { attemptTimeoutMs: 60, deadlineMs: 180 };

const FAULTS: readonly ((random: () => number) => Fate)[] = [
  () => 'drop',
  () => 'drop-answer',
  () => 'duplicate',
  () => 'cut-in-headers',
  () => 'cut-in-payload',
  () => 'cut-after',
  () => 'hold',
  (random) => ({ delayMs: random() * 400 }),
  (random) => ({ delayAnswerMs: random() * 400 }),
];

let nats: TestNats;
let direct: NatsConnection;
let whole: EventLog;

const logOn = (connection: NatsConnection, times: object = {}): JetStreamEventLog =>
  new JetStreamEventLog(connection, {
    inboxPrefix: inboxPrefixOf('api'),
    process: 'api',
    durability: () => Promise.resolve('disk'),
    ...times,
  });

beforeAll(async () => {
  nats = await startTestNats();
  direct = await connectNats(nats.config, 'api');
  whole = logOn(direct);
});
afterAll(async () => {
  await direct.close();
  await nats.close();
});

/** A process behind a connection that breaks. */
interface Process {
  readonly proxy: NatsProxy;
  readonly log: JetStreamEventLog;
  /** On the same connection, with time. */
  readonly patient: JetStreamEventLog;
  close(): Promise<void>;
}
const processWith = async (times: object): Promise<Process> => {
  const proxy = await startNatsProxy(nats.config.natsPort);
  const url = `nats://127.0.0.1:${proxy.port}`;
  const connection = await connectNats(nats.config, 'api', { url });
  const log = logOn(connection, times);
  return {
    proxy,
    log,
    patient: logOn(connection),
    close: async () => {
      await log.close();
      await connection.close();
      await proxy.close();
    },
  };
};

describe('many writers on connections that break', () => {
  const seen = { appended: 0, conflict: 0, unknown: 0, unknownButThere: 0, struck: 0, reads: 0 };

  /** Reads or remembers, writes, and repeats now and then what it was not told about. */
  const write = async (random: () => number, log: EventLog, run: Run): Promise<void> => {
    const { recorder, streams } = run;
    const ends = new Map<string, StreamEnd>();
    for (let i = 0; i < CHANGES; i += 1) {
      const stream = streams[Math.floor(random() * streams.length)] ?? newStream();
      const isStale = random() < 0.3;
      const end = (isStale ? ends.get(stream) : undefined) ?? (await recorder.read(log, stream));
      if (end === undefined) continue;
      ends.set(stream, end);
      const commit = commitAfter(stream, end, { reason: 'x'.repeat(random() * 2_000) });
      let told = await recorder.append(log, stream, end.revision, commit);
      if (told.outcome === 'unknown' && random() < 0.5)
        told = await recorder.append(log, stream, end.revision, commit);
    }
  };

  interface Run {
    readonly recorder: Recorder;
    readonly streams: readonly ReturnType<typeof newStream>[];
  }

  const runSeed = async (seed: number): Promise<void> => {
    const random = randomFrom(seed);
    const recorder = new Recorder();
    const streams = Array.from({ length: STREAMS }, newStream);
    const before: Position = await whole.head();
    const processes = await Promise.all(
      Array.from({ length: PROCESSES }, () => processWith(TIMES)),
    );
    // A quarter of the runs has hardly a fault, a quarter has one in every second commit.
    const share = [0.05, 0.2, 0.35, 0.5][seed % 4] ?? 0;
    for (const { proxy } of processes) {
      proxy.setFate(() => {
        const fault = FAULTS[Math.floor(random() * FAULTS.length)];
        return random() < share && fault !== undefined ? fault(random) : 'pass';
      });
    }
    await Promise.all(
      processes.flatMap(({ log }) =>
        Array.from({ length: WRITERS / PROCESSES }, () =>
          write(random, log, { recorder, streams }),
        ),
      ),
    );
    for (const { proxy } of processes) {
      proxy.setFate(() => 'pass');
      proxy.release();
      await until(() => proxy.isQuiet());
    }
    // What still lay before these on their connections is stored or refused by now.
    for (const { patient } of processes) await appendMany(patient, newStream(), 1);
    const stored = await storedAtEnd(whole, before);
    const ours = stored.filter(({ stream }) => streams.includes(stream));
    const reproduce = `SHIPLOG_SEED=${seed} SHIPLOG_SEEDS=1`;
    expect({ reproduce, wrong: violationsOf(recorder.calls, ours) }).toEqual({
      reproduce,
      wrong: [],
    });

    const there = new Set(ours.map(({ id }) => id));
    for (const call of recorder.calls) {
      if (call.kind === 'read') seen.reads += 1;
      else if (call.told.outcome === 'unknown' && there.has(call.id)) seen.unknownButThere += 1;
    }
    for (const outcome of ['appended', 'conflict', 'unknown'] as const)
      seen[outcome] += recorder.count(outcome);
    for (const { proxy, close } of processes) {
      seen.struck += proxy.struck();
      await close();
    }
  };

  it(
    `were told nothing that is not true of the log, over ${SEEDS} seeds`,
    {
      timeout: 60_000 + SEEDS * 1_000,
    },
    async () => {
      let next = FIRST_SEED;
      const runSeeds = async (): Promise<void> => {
        while (next < FIRST_SEED + SEEDS) await runSeed((next += 1) - 1);
      };
      await Promise.all(Array.from({ length: SEEDS_AT_ONCE }, runSeeds));
      // Or nothing was tested: of each kind there must have been some.
      if (SEEDS < 50) return;
      // A busy machine does fewer in the time of a seed.
      expect(seen.appended).toBeGreaterThan(SEEDS * 3);
      expect(seen.conflict).toBeGreaterThan(SEEDS);
      expect(seen.struck).toBeGreaterThan(SEEDS * 3);
      expect(seen.unknown).toBeGreaterThan(SEEDS / 10);
      expect(seen.unknownButThere).toBeGreaterThan(SEEDS / 50);
      expect(seen.reads).toBeGreaterThan(SEEDS * 5);
      console.log(JSON.stringify(seen));
    },
  );
});

describe('a commit whose writer gave up', () => {
  const held = async () => {
    const writer = await processWith(TIMES);
    const stream = newStream();
    const before = await appendMany(whole, stream, 1);
    const commit = commitAfter(stream, before);
    writer.proxy.setFate(() => 'hold');
    const failure = await writer.log
      .append(stream, before.revision, commit)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'log-unavailable', outcome: 'unknown' });
    expect(writer.proxy.held()).toBeGreaterThan(0);
    writer.proxy.setFate(() => 'pass');
    const arrives = async (): Promise<void> => {
      writer.proxy.release();
      // Answered after what was sent before it on the same connection.
      await appendMany(writer.patient, newStream(), 1);
    };
    const ids = async () => (await whole.read(stream)).map(({ commit: { id } }) => id);
    return { ...writer, stream, before, commit, arrives, ids };
  };

  it('is fenced by the next commit of its stream: it never comes after it', async () => {
    const { stream, before, commit, arrives, ids, close } = await held();
    const next = commitAfter(stream, before);
    const result = await whole.append(stream, before.revision, next);
    expect(result).toMatchObject({ outcome: 'appended' });
    await arrives();
    expect(await ids()).toEqual([expect.any(String), next.id]);
    // And who asks again is told so.
    expect(await whole.append(stream, before.revision, commit)).toEqual({ outcome: 'conflict' });
    await close();
  });

  it('is in its place, once, when it comes to a stream that nobody wrote since', async () => {
    const { stream, before, commit, arrives, ids, close } = await held();
    await arrives();
    expect(await ids()).toEqual([expect.any(String), commit.id]);
    const decidedWithoutIt = commitAfter(stream, before);
    expect(await whole.append(stream, before.revision, decidedWithoutIt)).toEqual({
      outcome: 'conflict',
    });
    const again = await whole.append(stream, before.revision, commit);
    expect(again).toMatchObject({ outcome: 'appended' });
    expect(await ids()).toEqual([expect.any(String), commit.id]);
    await close();
  });

  it('is settled by asking again, whether it is on its way or not', async () => {
    const { stream, before, commit, arrives, ids, close } = await held();
    const again = await whole.append(stream, before.revision, commit);
    expect(again).toMatchObject({ outcome: 'appended' });
    await arrives();
    expect(await ids()).toEqual([expect.any(String), commit.id]);
    await close();
  });
});
