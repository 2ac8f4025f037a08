import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEsdb, type TestEsdb } from '../support/esdb/start-esdb.js';
import { ROOT, runProgram, TestPlatform } from '../support/platform.js';
import { deployed } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

interface Verified {
  readonly ok: boolean;
  readonly checked: number;
  readonly witnesses: readonly { readonly name: string; readonly state: string }[];
}
interface Doctor {
  readonly ok: boolean;
  readonly findings: readonly { readonly name: string; readonly state: string }[];
}

describe('a platform whose log moves to EventStoreDB and back', () => {
  let platform: TestPlatform;
  let esdb: TestEsdb;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shiplog-moved-'));
    esdb = await startEsdb();
    platform = await TestPlatform.start({ name: 'moved', log: 'jetstream' });
    await (await deployed(platform, 'hello', 'node-hello')).remove();
  });
  afterAll(async () => {
    await platform.destroy();
    await esdb.close();
    await rm(folder, { recursive: true });
  });

  const inEsdb = () => ({ SHIPLOG_EVENT_LOG: esdb.url });
  const start = (env: NodeJS.ProcessEnv) => platform.start(['--yes', '--no-sample'], env);
  const copy = (to: string, env: NodeJS.ProcessEnv = {}) =>
    runProgram(join(ROOT, 'shiplog'), ['log', 'copy', '--to', to], {
      env: { ...platform.env, ...env },
    });
  const verify = () => platform.json<Verified>(['audit', 'verify']);
  /** Without what is measured: it goes on. */
  const instances = async () => {
    const all = await platform.json<readonly Record<string, unknown>[]>(['ps', '-a', 'hello']);
    return all.map(({ id, containerId, release, port, startedAt, state }) => ({
      id,
      containerId,
      release,
      port,
      startedAt,
      state,
    }));
  };

  it('is not copied while it runs', async () => {
    expect(await copy(esdb.url)).toMatchObject({ code: 4 });
  });

  it('finds everything again in EventStoreDB: apps, history, and a chain that holds', async () => {
    const before = await instances();
    const { checked } = await verify();
    await platform.stop();
    const copied = await copy(esdb.url);
    expect(copied, copied.stderr).toMatchObject({ code: 0 });
    expect(copied.stdout).toContain(`Start the platform with SHIPLOG_EVENT_LOG='${esdb.url}'`);
    await start(inEsdb());
    expect(await instances()).toEqual(before);
    expect((await platform.get('hello')).status).toBe(200);
    const moved = await verify();
    expect(moved.ok).toBe(true);
    expect(moved.checked).toBeGreaterThanOrEqual(checked);
    const file = join(folder, 'log.ndjson');
    await platform.json(['log', 'export', file]);
    const offline = await runProgram(process.execPath, [join(ROOT, 'tools/verify-log'), file]);
    expect(offline, offline.stdout + offline.stderr).toMatchObject({ code: 0 });
  });

  it('works on there, through a kill of EventStoreDB', async () => {
    await platform.json(['scale', '-a', 'hello', 'web=2']);
    await esdb.restart();
    await platform.json(['config', 'set', '-a', 'hello', 'TEXT=moved']);
    await waitFor('both instances to answer', async () => {
      const { body } = await platform.get('hello');
      return body.includes('moved') && (await instances()).length === 2;
    });
    const { ok, findings } = await platform.json<Doctor>(['doctor']);
    expect(ok).toBe(true);
    expect(findings).toContainEqual(
      // Nobody has a user on this server: whoever reaches it can do everything.
      expect.objectContaining({ name: 'log access', state: 'warning' }),
    );
    expect(await platform.json(['rebuild'])).toMatchObject({ differences: [] });
  });

  it('is refused on the log that it left behind, which lacks what came since', async () => {
    await platform.stop();
    const { code, stdout, stderr } = await platform.startSecond();
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/the log is not the one that was sworn to|went back in time/);
  });

  it('moves back', async () => {
    const copied = await copy('jetstream', inEsdb());
    expect(copied, copied.stderr).toMatchObject({ code: 0 });
    await start({});
    expect((await instances()).length).toBe(2);
    expect((await verify()).ok).toBe(true);
  });
});
