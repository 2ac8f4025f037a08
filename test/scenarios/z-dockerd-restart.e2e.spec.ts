import { spawn } from 'node:child_process';
import { readFile, readdir, readlink } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Container } from 'dockerode';
import { connectEngine, LABEL } from '@shiplog/engine';
import { Observer } from '../support/observer.js';
import { makeNoShellImage } from '../support/apps/no-shell/image.js';
import { TestPlatform } from '../support/platform.js';
import { deployed } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

// Last by its name: it takes the engine away from everybody on this machine for some seconds.

const IMAGE = ['shiplog-test/stranger', 'one'] as const;

interface Daemon {
  readonly pid: number;
  readonly argv: readonly string[];
}

/** Ours: a machine may have another one in a namespace of its own. */
const findDaemon = async (): Promise<Daemon | undefined> => {
  for (const entry of await readdir('/proc')) {
    const line = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    const argv = line.split('\0').filter((word) => word !== '');
    if (!/(^|\/)dockerd$/.test(argv[0] ?? '')) continue;
    if ((await mountsOf(entry)) === (await mountsOf('self'))) return { pid: Number(entry), argv };
  }
  return undefined;
};

const mountsOf = (pid: string): Promise<string> =>
  readlink(`/proc/${pid}/ns/mnt`).catch(() => 'it ended');

const engineAnswers = (): Promise<boolean> =>
  connectEngine()
    .ping()
    .then(
      () => true,
      () => false,
    );

/** Ends the daemon with the signal and starts it again as it was started. */
const restartDaemon = async (signal: NodeJS.Signals): Promise<void> => {
  const daemon = await findDaemon();
  if (daemon === undefined) throw new Error('no dockerd runs on this machine');
  process.kill(daemon.pid, signal);
  await waitFor('dockerd to end', async () => (await findDaemon())?.pid !== daemon.pid);
  // systemd starts it again by itself; where it is nobody's service, we do.
  if ((await findDaemon()) === undefined) {
    const [program = 'dockerd', ...args] = daemon.argv;
    spawn(program, args, { detached: true, stdio: 'ignore' }).unref();
  }
  await waitFor('dockerd to answer', engineAnswers, { timeoutMs: 120_000 });
};

describe('the Docker daemon goes away', () => {
  let platform: TestPlatform;
  let appId: string;
  /** Somebody else's container: not started again, because its owner did not ask for that. */
  let stranger: Container;
  beforeAll(async () => {
    await makeNoShellImage(connectEngine(), ...IMAGE);
    stranger = await connectEngine().createContainer({
      Image: IMAGE.join(':'),
      Labels: { [LABEL.platform]: 'somebody-else', [LABEL.instance]: 'web-1' },
    });
    platform = await TestPlatform.start({ name: 'daemon' });
    await (await deployed(platform, 'hello', 'node-hello')).remove();
    await platform.json(['scale', '-a', 'hello', 'web=3']);
    appId = (await platform.json<{ id: string }>(['apps', 'show', '-a', 'hello'])).id;
  });
  afterAll(async () => {
    await stranger.remove({ force: true });
    await platform.destroy();
  });

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`and comes back (${signal}): the same instances serve again, none twice`, async () => {
      await stranger.start();
      await restartDaemon(signal);
      await waitFor(
        'three instances to be ready',
        async () => {
          const listed = await platform.cli(['--json', 'ps', '-a', 'hello']);
          if (listed.code !== 0) return false;
          const rows = JSON.parse(listed.stdout) as { state: string }[];
          return rows.length === 3 && rows.every(({ state }) => state === 'ready');
        },
        { timeoutMs: 120_000 },
      );
      await waitFor('the app to answer', async () => {
        const answer = await platform.get('hello').catch(() => undefined);
        return answer?.status === 200;
      });
      const observer = await Observer.open(platform);
      try {
        await waitFor('everything wanted to run once', async () => {
          await observer.look();
          return (await observer.doubled(appId)).length === 0;
        });
      } finally {
        await observer.close();
      }
      expect((await stranger.inspect()).State.Status).toBe('exited');
      // A deploy after it works as before it.
      await platform.json(['config', 'set', '-a', 'hello', `AFTER=${signal}`]);
      expect((await platform.get('hello')).status).toBe(200);
    });
  }
});
