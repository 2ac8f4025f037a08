import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine } from '@shiplog/engine';
import { ROOT, runProgram, TestPlatform } from '../support/platform.js';
import { deployed } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

interface Running {
  readonly natsServer: number;
  readonly haproxy: readonly number[];
  readonly containers: readonly { id: string; startedAt: string }[];
}

describe('a start of a platform that was there before', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await TestPlatform.start({ name: 'again' });
    await (await deployed(platform, 'hello', 'node-hello')).remove();
  });
  afterAll(() => platform.destroy());

  const running = async (): Promise<Running> => {
    const ids = (await platform.containers()).map(({ Id }) => Id).sort();
    const details = await Promise.all(ids.map((id) => connectEngine().getContainer(id).inspect()));
    const daemons = await platform.daemons();
    return {
      natsServer: daemons.find(({ line }) => line.includes('nats-server'))?.pid ?? 0,
      haproxy: daemons.filter(({ line }) => line.includes('haproxy')).map(({ pid }) => pid),
      containers: details.map(({ Id, State }) => ({ id: Id, startedAt: State.StartedAt })),
    };
  };
  const spawnStart = (): ChildProcess =>
    spawn(process.execPath, [join(ROOT, 'scripts/start.cjs'), '--no-sample'], {
      env: platform.env,
      stdio: 'ignore',
    });
  const readyFile = (): string => join(platform.home, 'ready.json');

  it('keeps its secrets from others', async () => {
    const mode = async (file: string): Promise<number> =>
      (await stat(join(platform.home, file))).mode & 0o777;
    expect(await mode('credentials.json')).toBe(0o600);
    expect(await mode('.')).toBe(0o700);
    expect(await mode('logs/shiplog.log')).toBe(0o600);
  });

  it('is refused while the first one runs, and leaves it alone', async () => {
    const before = await running();
    const second = await platform.startSecond();
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`runs already (process ${platform.pid}, ${platform.apiUrl})`);
    expect(await running()).toEqual(before);
    expect(JSON.parse(await readFile(readyFile(), 'utf8'))).toMatchObject({ pid: platform.pid });
    expect((await platform.get('hello')).status).toBe(200);
  });

  it('adopts the log, the proxy and the containers after Ctrl-C', async () => {
    const before = await running();
    await platform.stop();
    expect(existsSync(readyFile())).toBe(false);
    expect(await running()).toEqual(before);
    expect((await platform.get('hello')).status).toBe(200);

    // How fast is the business of `npm run bench start`.
    await platform.start();
    expect(await running()).toEqual(before);
    expect((await platform.get('hello')).status).toBe(200);
  });

  it('is refused under another name', async () => {
    await platform.stop();
    const other = { ...platform.env, SHIPLOG_PLATFORM: 'another' };
    const second = await runProgram(process.execPath, [join(ROOT, 'scripts/start.cjs')], {
      env: other,
    });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`holds the data of platform "${platform.name}"`);
    expect(second.stderr).toContain(`set SHIPLOG_PLATFORM=${platform.name}`);
    await platform.start();
  });

  it('is one of two that start at the same moment', async () => {
    await platform.stop();
    const both = [spawnStart(), spawnStart()];
    await waitFor('one of them to be refused', () =>
      both.some(({ exitCode }) => exitCode !== null),
    );
    const [living] = both.filter(({ exitCode }) => exitCode === null);
    await waitFor('the other one to be ready', async () =>
      (await readFile(readyFile(), 'utf8').catch(() => '')).includes(`"pid":${living?.pid}`),
    );
    expect(both.map(({ exitCode }) => exitCode).toSorted()).toEqual([1, null]);
    const ended = new Promise((resolve) => living?.once('close', resolve));
    living?.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(existsSync(readyFile())).toBe(false);
    await platform.start();
  });

  it('brings everything back after kill -9 of everything', async () => {
    const containers = await platform.containers();
    await platform.kill();
    await platform.killDaemons();
    await Promise.all(
      containers.map(({ Id }) => connectEngine().getContainer(Id).remove({ force: true })),
    );
    expect(existsSync(readyFile())).toBe(true);

    await platform.start();
    await waitFor('the app to answer', async () => (await platform.get('hello')).status === 200);
    const events = await platform.json<readonly { name: string }[]>(['apps', 'list']);
    expect(events.map(({ name }) => name)).toEqual(['hello']);
  });
});
