import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, runProgram, type Finished } from '../support/platform.js';

/** What `npm start` says where it cannot start: one clear message, the next step, and nothing changed. */
describe('a start that cannot be', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shiplog-start-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> =>
    runProgram(process.execPath, [join(ROOT, 'scripts/start.cjs'), ...args], {
      cwd: ROOT,
      env: { ...process.env, SHIPLOG_HOME: join(folder, 'home'), ...env },
    });
  const expectRefusal = (result: Finished, code: number): void => {
    expect(result.code).toBe(code);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    expect(existsSync(join(folder, 'home'))).toBe(false);
  };

  it('knows its options', async () => {
    const help = await start(['--help']);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('--no-sample');
    const wrong = await start(['--nosample']);
    expectRefusal(wrong, 2);
    expect(wrong.stderr).toContain('unknown option --nosample; known are --yes, --no-sample');
  });

  it('keeps to the engine a person named', async () => {
    const result = await start([], { SHIPLOG_ENGINE: `unix://${folder}/none.sock` });
    expectRefusal(result, 1);
    expect(result.stderr).toContain('does not answer as a Docker Engine');
    expect(result.stderr).toContain('unset SHIPLOG_ENGINE');
  });

  it('names what works where there is no apt', async () => {
    await symlink(process.execPath, join(folder, 'node'));
    const result = await start([], { PATH: folder });
    expectRefusal(result, 1);
    expect(result.stderr).toContain('docker compose up --build --wait');
  });

  it('does not keep its data in the checkout', async () => {
    const home = join(ROOT, 'data');
    const result = await start(['--no-sample'], { SHIPLOG_HOME: home });
    expectRefusal(result, 1);
    expect(result.stderr).toContain('lies inside the checkout');
    expect(existsSync(home)).toBe(false);
  });

  it('says that its home cannot be one', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const result = await start(['--no-sample'], { SHIPLOG_HOME: file });
    expectRefusal(result, 1);
    expect(result.stderr).toContain(`SHIPLOG_HOME=${file} cannot be a folder of this user`);
  });

  it('names every variable that is wrong', async () => {
    const wrong = { SHIPLOG_PLATFORM: 'No Such', SHIPLOG_API_PORT: '99999' };
    const result = await start(['--no-sample'], wrong);
    expectRefusal(result, 1);
    expect(result.stderr).toMatch(/SHIPLOG_PLATFORM: [\s\S]*SHIPLOG_API_PORT: /);
  });

  it('forgets a platform that was killed, first of all', async () => {
    const home = await mkdtemp(join(folder, 'killed-'));
    await writeFile(join(home, 'ready.json'), JSON.stringify({ pid: 2 ** 22 - 1 }));
    await start([], { SHIPLOG_HOME: home, SHIPLOG_ENGINE: `unix://${folder}/none.sock` });
    expect(existsSync(join(home, 'ready.json'))).toBe(false);
  });

  describe('on an old Node.js', () => {
    const withNode = (version: number): string[] => [
      '--yes',
      `--package=node-${process.platform}-${process.arch}@${version}`,
      '--',
    ];
    const words = (result: Finished): string[] =>
      /^ +npx (.*)$/m.exec(result.stderr)?.[1]?.split(' ') ?? [];

    it.each([
      [['node', 'scripts/start.cjs', '--help'], '--no-sample'],
      [['./shiplog', '--help'], 'Usage: shiplog'],
    ])('says how to get a newer one: %s', async (command, help) => {
      const old = await runProgram('npx', [...withNode(16), ...command], { cwd: ROOT });
      expectRefusal(old, 1);
      expect(old.stderr).toContain('needs Node.js 20.19 or newer; this is v16.');
      const advised = await runProgram('npx', words(old), { cwd: ROOT });
      expect(advised.code).toBe(0);
      expect(advised.stdout).toContain(help);
    });
  });

  describe('where an engine is in the way', () => {
    const { engineObstacle } = createRequire(import.meta.url)('../../scripts/lib/engine.cjs') as {
      engineObstacle: (found: { denied: string }) => string | undefined;
    };

    it('names the group of a socket that refuses this user', async () => {
      const socket = join(folder, 'engine.sock');
      await writeFile(socket, '');
      await chmod(socket, 0o600);
      const said = engineObstacle({ denied: `unix://${socket}` });
      const isRoots = process.getgid?.() === 0;
      expect(said).toContain(isRoots ? 'sudo npm start' : 'sudo usermod -aG');
    });
  });
});
