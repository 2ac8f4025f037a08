import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EMPTY, START } from '@shiplog/events';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import { chainOf, CheckpointFile, type Verification } from '@shiplog/integrity';
import { recordCommits } from '@shiplog/integrity/testing';
import { createLogger, pathsOf, readConfig } from '@shiplog/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';
import { testimoniesOf } from './checkpoint-stores.js';
import { Checkpoints } from './checkpoints.js';

const VERIFY_LOG = fileURLToPath(new URL('../../../../tools/verify-log', import.meta.url));
const verifyLog = (...args: readonly string[]) =>
  new Promise<{ code: number; stdout: string }>((resolve) => {
    execFile(process.execPath, [VERIFY_LOG, ...args], (error, stdout) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout }),
    );
  });

describe('the log of a running platform', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
    await api.deployed('shop', 3);
  });
  afterAll(() => api.stop());

  const verified = async (query = ''): Promise<Verification> => {
    const answer = await api.call('get', `/v1/audit/verification${query}`).expect(200);
    const lines = answer.text.trim().split('\n');
    return JSON.parse(lines.at(-1) ?? '') as Verification;
  };

  it('is verified, and who vouches for it is named', async () => {
    const result = await verified();
    expect(result).toMatchObject({ ok: true, firstBad: null, resets: [] });
    expect(result.checked).toBe(Number(await api.platform.api.log.head()));
    expect(result.witnesses.map(({ name }) => name)).toEqual(['SQL', 'file']);
  });

  it('is not believed by checkpoints of another key than the one that is pinned', async () => {
    const { firstKey } = (await api.call('get', '/v1/audit/key').expect(200)).body;
    const pinned = await verified(`?key=${encodeURIComponent(String(firstKey))}`);
    expect(pinned.ok).toBe(true);
    const other = Buffer.alloc(32, 1).toString('base64');
    const result = await verified(`?key=${encodeURIComponent(other)}`);
    expect(result.ok).toBe(false);
    expect(result.witnesses).toMatchObject([{ state: 'damaged' }, { state: 'damaged' }]);
    await api.call('get', '/v1/audit/verification?key=short').expect(400);
  });

  it('is exported so that anybody can verify it, and a changed copy is found', async () => {
    const { firstKey } = (await api.call('post', '/v1/audit/key/rotate').send({}).expect(200)).body;
    const { text } = await api.call('get', '/v1/log/export').expect(200);
    const folder = await mkdtemp(join(tmpdir(), 'shiplog-export-'));
    const file = join(folder, 'log.ndjson');
    await writeFile(file, text);
    expect(await verifyLog(file, '--key', String(firstKey))).toMatchObject({ code: 0 });
    await writeFile(file, text.replace('"name":"shop"', '"name":"shap"'));
    const { code, stdout } = await verifyLog(file, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ firstBad: { kind: 'altered' } });
    await rm(folder, { recursive: true });
  });

  it('is for administrators to take, and its key for nobody else to read', async () => {
    const bob = await api.addUser('bob');
    for (const path of ['/v1/log/export', '/v1/audit/verification', '/v1/audit/key']) {
      await api.call('get', path, bob).expect(403);
    }
    const { mode } = await stat(join(pathsOf(api.home).integrity, 'signing.key'));
    expect(mode & 0o777).toBe(0o600);
  });

  it('is looked after by the doctor', async () => {
    const { body } = await api.call('get', '/v1/doctor').expect(200);
    const found = (body.findings as { name: string; state: string; summary: string }[]).find(
      ({ name }) => name === 'checkpoints',
    );
    expect(found).toMatchObject({ state: 'ok' });
    expect(found?.summary).toContain('kept by SQL, file');
  });
});

describe('a start', () => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'shiplog-fence-'));
  });
  afterAll(() => rm(home, { recursive: true }));

  const started = async (log: InMemoryEventLog, env: Record<string, string> = {}) => {
    const config = readConfig({ SHIPLOG_HOME: home, ...env });
    const feed = new LogFeed(log);
    await feed.start();
    return Checkpoints.open({ config, log, feed, logger: createLogger('silent') });
  };
  const logWith = async (count: number): Promise<InMemoryEventLog> => {
    const log = new InMemoryEventLog();
    await recordCommits(count, 3, log);
    return log;
  };

  it('misses no checkpoints that a witness was not given yet, and those that it was given', async () => {
    const witness = join(home, 'named');
    await mkdir(witness);
    const file = join(witness, 'checkpoints.ndjson');
    const own = await mkdtemp(join(tmpdir(), 'shiplog-fence-'));
    const env = { SHIPLOG_HOME: own, SHIPLOG_WITNESS_DIRECTORY: witness };
    const checkpoints = await started(await logWith(20), env);
    const saidOfIt = async () => {
      const { keeper, stores } = checkpoints;
      return (await testimoniesOf(stores, keeper.state.copies)).at(-1)?.problem;
    };
    expect(await saidOfIt()).toBeUndefined();
    await checkpoints.keeper.cutAll();
    expect(await saidOfIt()).toBeUndefined();
    const lines = await readFile(file, 'utf8');
    await writeFile(file, `${lines}{"checkpoint":{"v":1,"platf`);
    expect(await saidOfIt()).toBeUndefined();
    await writeFile(file, `${lines}{"checkpoint":{"v":1,"platf\n`);
    expect(await saidOfIt()).toContain('cannot be read');
    await rm(file);
    expect(await saidOfIt()).toBe('it holds no checkpoint, and had them up to 1');
    await mkdir(file);
    expect(await saidOfIt()).toContain('cannot be read: EISDIR');
    await rm(witness, { recursive: true });
    await checkpoints.keeper.cutAll();
    expect(await saidOfIt()).toContain('cannot be given any: ENOENT');
    await checkpoints.stop();
    await rm(own, { recursive: true });
  });

  const beginningOf = async (log: InMemoryEventLog, count: number): Promise<InMemoryEventLog> => {
    const older = new InMemoryEventLog();
    for (const { commit } of await log.readAfter(START, count)) {
      const end = (await older.read(commit.stream)).at(-1)?.revision ?? EMPTY;
      await older.append(commit.stream, end, commit);
    }
    return older;
  };

  it('refuses an older log, also where only the witness remembers, until an operator accepts it', async () => {
    const witness = join(home, 'witness');
    const env = { SHIPLOG_WITNESS_DIRECTORY: witness };
    await mkdir(witness);
    await (await started(await logWith(20), env)).stop();

    const older = await logWith(12);
    await expect(started(older)).rejects.toMatchObject({ code: 'log-contradicted' });
    // An older copy of the whole home: the witness alone has seen more.
    await rm(pathsOf(home).integrity, { recursive: true });
    await expect(started(older, env)).rejects.toThrow(`(${witness}) covers 20 commits`);
    await expect(started(older, { ...env, SHIPLOG_ACCEPT_LOG: '13' })).rejects.toThrow('has 12');
  });

  it('records for ever that it was accepted', async () => {
    const witness = join(home, 'witness');
    const env = { SHIPLOG_WITNESS_DIRECTORY: witness, SHIPLOG_ACCEPT_LOG: '12' };
    // The key went with the home: without it nothing can be signed.
    await expect(started(await logWith(12), env)).rejects.toMatchObject({
      code: 'signing-key-missing',
    });
    expect(await readFile(join(witness, 'checkpoints.ndjson'), 'utf8')).not.toContain('"reset":{');
  });

  it('goes on after what was accepted, and a lost table comes back from the file', async () => {
    const other = await mkdtemp(join(tmpdir(), 'shiplog-fence-'));
    home = other;
    const log = await logWith(20);
    await (await started(log)).stop();
    const older = await beginningOf(log, 12);
    await (await started(older, { SHIPLOG_ACCEPT_LOG: '12' })).stop();
    await (await started(older)).stop();
    await rm(join(pathsOf(other).integrity, 'checkpoints.sqlite'));
    await (await started(older)).stop();
    const file = new CheckpointFile('file', join(pathsOf(other).integrity, 'checkpoints.ndjson'));
    const { problem, resets } = chainOf(await file.after(0));
    expect(problem).toBeUndefined();
    expect(resets.map(({ reset }) => reset?.total)).toEqual([12]);
  });
});
