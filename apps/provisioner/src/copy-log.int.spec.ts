import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { START } from '@shiplog/events';
import type { StoredCommit } from '@shiplog/events/log';
import { NO_COMMIT, appendMany, commitAfter, newStream } from '@shiplog/events/testing';
import { eventLogOf, openLog, readConfig, type PlatformConfig } from '@shiplog/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEsdb, type TestEsdb } from '../../../test/support/esdb/start-esdb.js';
import { copyLog } from './copy-log.js';
import { ensureNatsServer } from './ensure-nats-server.js';
import { provision } from './provision.js';
import { freePort } from './testing/start-test-nats.js';

let esdb: TestEsdb;
let inJetStream: PlatformConfig;
let inEsdb: PlatformConfig;

const newConfig = async (): Promise<PlatformConfig> =>
  readConfig({
    SHIPLOG_HOME: await mkdtemp(join(tmpdir(), 'shiplog-copy-')),
    SHIPLOG_NATS_PORT: String(await freePort()),
    SHIPLOG_PLATFORM: 'test',
  });

/** Does something with the log of this configuration, as a worker of a running platform would. */
const withLog = async <T>(
  config: PlatformConfig,
  work: (log: Awaited<ReturnType<typeof openLog>>['log']) => Promise<T>,
): Promise<T> => {
  const server = await ensureNatsServer(config);
  try {
    await provision(config);
    const { log, close } = await openLog(config, 'api');
    try {
      return await work(log);
    } finally {
      await close();
    }
  } finally {
    await server.stop();
  }
};

type WithoutPlace = Omit<StoredCommit, 'position'>;
const storedIn = (config: PlatformConfig): Promise<readonly WithoutPlace[]> =>
  withLog(config, async (log) =>
    (await log.readStored(START, 10_000)).map(({ stream, id, hash, bytes }) => ({
      stream,
      id,
      hash,
      bytes: Buffer.from(bytes),
    })),
  );

beforeAll(async () => {
  esdb = await startEsdb();
  inJetStream = await newConfig();
  inEsdb = { ...inJetStream, eventLog: eventLogOf(esdb.url, undefined) };
  await withLog(inJetStream, (log) =>
    Promise.all([1, 2, 3].map(() => appendMany(log, newStream(), 100))),
  );
});
afterAll(async () => {
  await esdb.close();
  await rm(inJetStream.home, { recursive: true, force: true });
});

describe('copying a log', () => {
  it('to EventStoreDB leaves every commit as it was, and goes on where it was cut off', async () => {
    const before = await storedIn(inJetStream);
    await expect(
      copyLog(inJetStream, inEsdb.eventLog, ({ imported }) => {
        if (imported > 0) throw new Error('cut off');
      }),
    ).rejects.toThrow('cut off');
    const result = await copyLog(inJetStream, inEsdb.eventLog);
    expect(result).toMatchObject({ present: 256, imported: 44 });
    expect(await storedIn(inEsdb)).toEqual(before);
    // It can be followed, read by stream, and written to.
    await withLog(inEsdb, async (log) => {
      const records = await log.readAfter(START, 1_000);
      const [stream] = records.map(({ commit }) => commit.stream);
      expect(await log.read(stream ?? newStream())).toHaveLength(100);
    });
  });

  it('back to nats-server gives the same log again, with what came in between', async () => {
    const stream = newStream();
    await withLog(inEsdb, async (log) => {
      await log.append(stream, NO_COMMIT.revision, commitAfter(stream, NO_COMMIT));
    });
    const before = await storedIn(inEsdb);
    expect(before).toHaveLength(301);
    expect(await copyLog(inEsdb, { kind: 'jetstream' })).toMatchObject({
      present: 300,
      imported: 1,
    });
    expect(await storedIn(inJetStream)).toEqual(before);
  });

  it('onto itself, or onto a log with a history of its own, is refused and changes nothing', async () => {
    await expect(copyLog(inJetStream, { kind: 'jetstream' })).rejects.toThrow(/already/);
    const other = await newConfig();
    await withLog(other, (log) => appendMany(log, newStream(), 3));
    await expect(copyLog(other, inEsdb.eventLog)).rejects.toThrow(/not the beginning/);
    expect(await storedIn(inEsdb)).toHaveLength(301);
    await rm(other.home, { recursive: true, force: true });
  });
});
