import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { START } from '@shiplog/events';
import { LogDamagedError, sha256, type StoredCommit } from '@shiplog/events/log';
import { appendMany, newStream } from '@shiplog/events/testing';
import { openLog, pathsOf, readConfig, type PlatformConfig } from '@shiplog/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ensureNatsServer } from './ensure-nats-server.js';
import { importLog } from './import-log.js';
import { provision } from './provision.js';
import { findServerProcess } from './server-process.js';
import { freePort } from './testing/start-test-nats.js';

let source: PlatformConfig;
let target: PlatformConfig;
let commits: readonly StoredCommit[];

const newConfig = async (): Promise<PlatformConfig> =>
  readConfig({
    SHIPLOG_HOME: await mkdtemp(join(tmpdir(), 'shiplog-import-')),
    SHIPLOG_NATS_PORT: String(await freePort()),
    SHIPLOG_PLATFORM: 'test',
  });

/** What a home holds, read as a worker reads it from a server in its ordinary configuration. */
const storedIn = async (config: PlatformConfig): Promise<readonly StoredCommit[]> => {
  const server = await ensureNatsServer(config);
  await provision(config);
  const { log, close } = await openLog(config, 'api');
  const stored = await log.readStored(START, 10_000);
  await close();
  await server.stop();
  return stored.map((commit) => ({ ...commit, bytes: Buffer.from(commit.bytes) }));
};

async function* streamed(all: readonly StoredCommit[]): AsyncGenerator<StoredCommit> {
  for (const commit of all) yield await Promise.resolve(commit);
}

beforeAll(async () => {
  source = await newConfig();
  const server = await ensureNatsServer(source);
  await provision(source);
  const { log, close } = await openLog(source, 'api');
  await Promise.all([1, 2, 3].map(() => appendMany(log, newStream(), 200)));
  await close();
  await server.stop();
  commits = await storedIn(source);
});
afterAll(() => rm(source.home, { recursive: true, force: true }));
beforeEach(async () => {
  target = await newConfig();
});
afterEach(() => rm(target.home, { recursive: true, force: true }));

describe('importing a log', () => {
  it('stores every commit as it was, at the place that it had', async () => {
    const progress: number[] = [];
    const result = await importLog(target, streamed(commits), {
      onProgress: ({ imported }) => progress.push(imported),
    });
    expect(result).toEqual({ present: 0, imported: 600, position: commits.at(-1)?.position });
    expect(progress).toEqual([256, 512, 600]);
    expect(await storedIn(target)).toEqual(commits);
  });

  it('lets nobody in who could import afterwards', async () => {
    await importLog(target, streamed(commits.slice(0, 3)));
    expect(await findServerProcess(target.home)).toBeUndefined();
    const config = await readFile(pathsOf(target.home).natsConfig, 'utf8');
    expect(config).not.toContain('importer');
    expect(config).toContain('# deployer');
    expect(config).not.toContain('"log.>"]');
  });

  it('goes on where an import ended, and does nothing when all is there', async () => {
    await importLog(target, streamed(commits.slice(0, 300)));
    const rest = await importLog(target, streamed(commits));
    expect(rest).toMatchObject({ present: 300, imported: 300 });
    expect(await importLog(target, streamed(commits))).toMatchObject({ present: 600, imported: 0 });
    expect(await storedIn(target)).toEqual(commits);
  });

  it.each([
    ['holds more', () => commits.slice(0, 2), /holds more commits/],
    ['begins otherwise', () => inAnotherOrder(commits), /another commit at place/],
  ])('refuses a log that %s, and changes nothing', async (_, others, message) => {
    await importLog(target, streamed(commits.slice(0, 10)));
    await expect(importLog(target, streamed(others()))).rejects.toThrow(message);
    expect(await storedIn(target)).toEqual(commits.slice(0, 10));
  });

  it.each([
    ['altered', (all: readonly StoredCommit[]) => all.with(7, altered(all[7]))],
    ['missing', (all: readonly StoredCommit[]) => all.toSpliced(7, 1)],
  ])('takes nothing after a commit that is %s', async (_, damage) => {
    await expect(importLog(target, streamed(damage(commits)))).rejects.toThrow(LogDamagedError);
    expect(await storedIn(target)).toEqual([]);
  });

  it('waits for no platform that runs on the home: it refuses', async () => {
    await writeFile(join(target.home, 'control-plane.pid'), String(process.ppid));
    await expect(importLog(target, streamed(commits))).rejects.toThrow(/stop it first/);
    expect(await findServerProcess(target.home)).toBeUndefined();
  });
});

/** Streams taken one after the other: every chain is intact, but the order of the log is another one. */
const inAnotherOrder = (all: readonly StoredCommit[]): readonly StoredCommit[] =>
  all.toSorted((a, b) => (a.stream === b.stream ? 0 : a.stream < b.stream ? 1 : -1));

const altered = (commit: StoredCommit | undefined): StoredCommit => {
  if (commit === undefined) throw new Error('no commit to alter');
  const bytes = Buffer.from(Buffer.from(commit.bytes).toString().replace('"ann"', '"eve"'));
  return { ...commit, bytes, hash: sha256(bytes) };
};
