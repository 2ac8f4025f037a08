import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine } from '@shiplog/engine';
import { makeNoShellImage } from '../support/apps/no-shell/image.js';
import { ROOT, TestPlatform, runProgram } from '../support/platform.js';
import { waitFor } from '../support/wait.js';

const IMAGE = ['shiplog-test/restored', 'one'] as const;

/** Everything there is in the engine: only for one that is ours (scripts/lib/own-engine.cjs). */
const emptyEngine = async (): Promise<void> => {
  if (!(process.env['DOCKER_HOST'] ?? '').includes('shiplog-engine-'))
    throw new Error('this empties the engine: npm test -- engine gives it one of its own');
  const engine = connectEngine();
  for (const { Id } of await engine.listContainers({ all: true }))
    await engine.getContainer(Id).remove({ force: true, v: true });
  for (const { Id } of await engine.listImages()) await engine.getImage(Id).remove({ force: true });
  await engine.pruneNetworks();
  await engine.pruneVolumes();
};

describe('a machine that is lost, its Docker Engine with it', () => {
  let platform: TestPlatform;
  let place: string;
  beforeAll(async () => {
    await makeNoShellImage(connectEngine(), ...IMAGE);
    place = await mkdtemp(join(tmpdir(), 'shiplog-restored-'));
    platform = await TestPlatform.start({ name: 'restored', log: 'jetstream' });
    for (const name of ['hello', 'other']) {
      await platform.json(['apps', 'create', name]);
      await platform.json(['config', 'set', '-a', name, `NAME=${name}`]);
      await platform.json(['deploy', '-a', name, '--image', IMAGE.join(':')]);
    }
    await platform.json(['scale', '-a', 'hello', 'web=2']);
  });
  afterAll(async () => {
    await platform.destroy();
    await rm(place, { recursive: true, force: true });
  });

  it('comes back from a backup onto an empty machine with an empty engine: the same apps serve', async () => {
    interface Shown {
      readonly id: string;
      readonly name: string;
      readonly formation: unknown;
    }
    const apps = async () =>
      (await platform.json<Shown[]>(['apps', 'list'])).map(({ id, name, formation }) => ({
        id,
        name,
        formation,
      }));
    const before = await apps();
    const begun = await platform.json<{ recoveryKey: { file: string } }>([
      ...['backup', 'create', '--to', place],
    ]);
    const keyFile = join(place, 'recovery.key');
    await rename(begun.recoveryKey.file, keyFile);

    await platform.stop();
    await platform.killDaemons(/nats-server|haproxy/);
    await emptyEngine();
    expect(await connectEngine().listImages()).toEqual([]);
    for (const name of await readdir(platform.home))
      if (name !== 'test-run.json') await rm(join(platform.home, name), { recursive: true });

    const restored = await runProgram(
      join(ROOT, 'shiplog'),
      ['backup', 'restore', '--from', place, '--recovery-key', keyFile],
      { env: platform.env },
    );
    expect(`${restored.code} ${restored.stderr}`).toMatch(/^0 /);

    await platform.start();
    for (const name of ['hello', 'other'])
      await waitFor(
        `${name} to serve`,
        async () => (await platform.get(name).catch(() => undefined))?.status === 200,
        { describe: () => platform.output },
      );
    expect(await apps()).toEqual(before);
    const { stdout } = await platform.cli(['config', 'get', '-a', 'other', 'NAME']);
    expect(stdout.trim()).toBe('other');
    await waitFor('two instances of hello', async () => {
      const running = await platform.containers('hello');
      return running.filter(({ State }) => State === 'running').length === 2;
    });
  });
});
