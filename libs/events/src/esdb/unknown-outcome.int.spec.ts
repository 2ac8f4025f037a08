import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  startFaultyProxy,
  type FaultyProxy,
} from '../../../../apps/provisioner/src/testing/faulty-proxy.js';
import { startEsdb, type TestEsdb } from '../../../../test/support/esdb/start-esdb.js';
import { LogUnavailableError } from '../log/errors.js';
import { NO_COMMIT, appendMany, commitAfter, newStream } from '../testing/commits.js';
import { START } from '../sequence.js';
import type { RecordedCommit } from '../commit.js';
import { EsdbEventLog } from './esdb-event-log.js';
import { COMMIT_TYPE } from './names.js';

const TIMES = { attemptTimeoutMs: 500, deadlineMs: 20_000 };

let esdb: TestEsdb;
let proxy: FaultyProxy;
let log: EsdbEventLog;
let direct: EsdbEventLog;

const open = (port: number, times = TIMES): EsdbEventLog =>
  new EsdbEventLog({
    connectionString: `esdb://127.0.0.1:${port}?tls=false`,
    name: 'log',
    credentials: undefined,
    process: 'api',
    ...times,
  });

beforeEach(async () => {
  esdb = await startEsdb();
  proxy = await startFaultyProxy(esdb.port, COMMIT_TYPE);
  log = open(proxy.port);
  direct = open(esdb.port);
  // Connected before anything breaks: a greeting that is dropped would only keep the append from being sent.
  await log.head();
});
afterEach(async () => {
  await Promise.all([log.close(), direct.close()]);
  await proxy.close();
  await esdb.close();
});

describe('an append to EventStoreDB whose answer is lost', () => {
  it('is reported as appended, and is in the log once', async () => {
    const stream = newStream();
    proxy.setFault('drop-answers');
    const appending = log.append(stream, NO_COMMIT.revision, commitAfter(stream, NO_COMMIT));
    await waitUntil(async () => (await direct.read(stream)).length === 1);
    proxy.setFault('none');
    expect(await appending).toMatchObject({ outcome: 'appended' });
    expect(await direct.read(stream)).toHaveLength(1);
  });

  it('is sent again when the connection was cut in the middle of it', async () => {
    const stream = newStream();
    proxy.setFault('cut-in-request');
    const result = await log.append(stream, NO_COMMIT.revision, commitAfter(stream, NO_COMMIT));
    expect(proxy.struck()).toBe(1);
    expect(result).toMatchObject({ outcome: 'appended' });
    expect(await direct.read(stream)).toHaveLength(1);
  });

  it('is a conflict only when another commit took its place', async () => {
    const stream = newStream();
    proxy.setFault('drop-answers');
    await appendMany(direct, stream, 1);
    const appending = log.append(stream, NO_COMMIT.revision, commitAfter(stream, NO_COMMIT));
    await waitUntil(() => Promise.resolve(proxy.struck() > 0));
    proxy.setFault('none');
    expect(await appending).toEqual({ outcome: 'conflict' });
    expect(await direct.read(stream)).toHaveLength(1);
  });

  it('is said to be unknown when the log stays away, and can be repeated later', async () => {
    const hurried = open(proxy.port, { attemptTimeoutMs: 50, deadlineMs: 300 });
    const stream = newStream();
    const commit = commitAfter(stream, NO_COMMIT);
    proxy.setFault('drop-answers');
    const failure = await hurried
      .append(stream, NO_COMMIT.revision, commit)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LogUnavailableError);
    expect(failure).toMatchObject({ outcome: 'unknown' });
    proxy.setFault('none');
    const repeated = await log.append(stream, NO_COMMIT.revision, commit);
    expect(repeated).toMatchObject({ outcome: 'appended' });
    expect(await direct.read(stream)).toHaveLength(1);
    await hurried.close();
  });

  it('is known not to be written when there is no server', async () => {
    // Time enough for each attempt to be refused on a busy machine: one that is given up on may have been sent.
    const hurried = open(esdb.port, { attemptTimeoutMs: 2_000, deadlineMs: 2_500 });
    await esdb.kill();
    const stream = newStream();
    const failure = await hurried
      .append(stream, NO_COMMIT.revision, commitAfter(stream, NO_COMMIT))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'log-unavailable', outcome: 'not-written' });
    await hurried.close();
  });
});

describe('kill -9 of EventStoreDB and cut connections under load', () => {
  it('lose nothing that was acknowledged, report no false conflict, and end no follower', async () => {
    const acknowledged = new Map<string, string>();
    const seen: RecordedCommit[] = [];
    const following = log.follow(START, (batch) => void seen.push(...batch));
    let isOver = false;
    const write = async (): Promise<void> => {
      const stream = newStream();
      let end = NO_COMMIT;
      while (!isOver) {
        const commit = commitAfter(stream, end);
        const result = await log.append(stream, end.revision, commit);
        if (result.outcome !== 'appended') throw new Error('a false conflict');
        acknowledged.set(commit.id, result.position);
        end = { revision: result.revision, version: end.version + 1, hash: result.hash };
      }
    };
    const writing = Promise.all(Array.from({ length: 8 }, write));
    for (const harm of ['cut-in-request', 'kill', 'cut-after-request', 'kill'] as const) {
      const before = acknowledged.size;
      await waitUntil(() => Promise.resolve(acknowledged.size > before + 40));
      if (harm === 'kill') await esdb.restart();
      else proxy.setFault(harm);
    }
    isOver = true;
    await writing;
    const all = await direct.readAfter(START, 100_000);
    const stored = new Map(all.map(({ commit, position }) => [commit.id, position]));
    expect(stored.size).toBe(all.length);
    expect(acknowledged.size).toBeGreaterThan(150);
    expect(proxy.struck()).toBe(2);
    for (const [id, position] of acknowledged) expect(stored.get(id)).toBe(position);
    await waitUntil(() => Promise.resolve(seen.length >= all.length));
    expect(seen).toEqual(all);
    await following.stop();
  });

  it('end the following when another log has taken the place', async () => {
    const stream = newStream();
    const seen: RecordedCommit[] = [];
    const following = direct.follow(START, (batch) => void seen.push(...batch));
    await appendMany(direct, stream, 3);
    await waitUntil(() => Promise.resolve(seen.length === 3));
    await esdb.emptyLog();
    expect((await following.ended)?.message).toMatch(/went back in time/);
  });
});

const waitUntil = async (condition: () => Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
};
