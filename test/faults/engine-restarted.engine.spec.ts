import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Container } from 'dockerode';
import { connectEngine, LABEL } from '@shiplog/engine';
import { makeNoShellImage } from '../support/apps/no-shell/image.js';
import { Observer } from '../support/observer.js';
import { TestPlatform } from '../support/platform.js';
import { waitFor } from '../support/wait.js';

const IMAGE = ['shiplog-test/restarted', 'one'] as const;
const INSTANCES = 3;

/** The folder of our own engine (scripts/lib/own-engine.cjs); throws on the machine's. */
const engineFolder = (): string => {
  const socket = process.env['DOCKER_HOST'] ?? '';
  if (!socket.includes('shiplog-engine-'))
    throw new Error('this ends the engine: npm test -- engine gives it one of its own');
  return dirname(socket.slice('unix://'.length));
};

const engineAnswers = (): Promise<boolean> =>
  connectEngine()
    .ping()
    .then(
      () => true,
      () => false,
    );

const isAlive = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat !== undefined && !/\) Z/.test(stat);
};

/** Ends the daemon with the signal and starts it again as it was started, as systemd does. */
const restartDaemon = async (signal: NodeJS.Signals): Promise<void> => {
  const folder = engineFolder();
  const pidFile = join(folder, 'docker.pid');
  const pid = Number(await readFile(pidFile, 'utf8'));
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
  process.kill(pid, signal);
  await waitFor('dockerd to end', async () => !(await isAlive(pid)));
  // A killed one leaves its pid files, and nobody here buries what it started: they look alive.
  await rm(pidFile, { force: true });
  await rm(join(folder, 'exec/containerd/containerd.pid'), { force: true });
  const [program = '', ...args] = words;
  spawn(program, args, { detached: true, stdio: 'ignore' }).unref();
  await waitFor('dockerd to answer', engineAnswers);
};

/** Asks every app, one request after the other, and keeps who answered in whose place. */
const askAllTheTime = (platform: TestPlatform, apps: readonly string[]) => {
  const answers = new Map(apps.map((app) => [app, 0]));
  const wrong = new Set<string>();
  let isOver = false;
  const ask = async (app: string): Promise<void> => {
    while (!isOver) {
      const answer = await platform.get(app).catch(() => undefined);
      if (answer?.status !== 200) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      answers.set(app, (answers.get(app) ?? 0) + 1);
      if (!answer.body.includes(`from ${app}\n`)) wrong.add(`${app} was answered: ${answer.body}`);
    }
  };
  const asking = apps.flatMap((app) => [ask(app), ask(app)]);
  return {
    answers,
    wrong,
    stop: async () => {
      isOver = true;
      await Promise.all(asking);
    },
  };
};

describe('the Docker daemon goes away', () => {
  let platform: TestPlatform;
  let appId: string;
  /** All the time, while the daemon ends and comes back, too. */
  let load: ReturnType<typeof askAllTheTime>;
  /** Somebody else's container: not started again, because its owner did not ask for that. */
  let stranger: Container;
  beforeAll(async () => {
    engineFolder();
    await makeNoShellImage(connectEngine(), ...IMAGE);
    stranger = await connectEngine().createContainer({
      Image: IMAGE.join(':'),
      Labels: { [LABEL.platform]: 'somebody-else', [LABEL.instance]: 'web-1' },
    });
    platform = await TestPlatform.start({ name: 'daemon' });
    for (const app of ['hello', 'other']) {
      await platform.json(['apps', 'create', app]);
      await platform.json(['deploy', '-a', app, '--image', IMAGE.join(':')]);
      await platform.json(['scale', '-a', app, `web=${INSTANCES}`]);
    }
    appId = (await platform.json<{ id: string }>(['apps', 'show', '-a', 'hello'])).id;
    load = askAllTheTime(platform, ['hello', 'other']);
  });
  afterAll(async () => {
    await load.stop();
    await stranger.remove({ force: true });
    await platform.destroy();
  });

  const states = async (): Promise<readonly string[]> => {
    const listed = await platform.cli(['--json', 'ps', '-a', 'hello']);
    if (listed.code !== 0) return [];
    return (JSON.parse(listed.stdout) as { state: string }[]).map(({ state }) => state);
  };

  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
    it(`and comes back (${signal}): the same instances serve again, none twice`, async () => {
      await stranger.start();
      const before = (await platform.containers('hello')).map(({ Id }) => Id).sort();
      // Some go while the daemon does: what they had is free for others when it is back.
      const others = signal === 'SIGTERM' ? 1 : INSTANCES;
      await platform.json(['scale', '-a', 'other', `web=${others}`, '--no-wait']);
      await restartDaemon(signal);
      await waitFor(
        `${INSTANCES} instances to be ready`,
        async () => {
          const now = await states();
          return now.length === INSTANCES && now.every((state) => state === 'ready');
        },
        { describe: () => platform.output },
      );
      await waitFor('the app to answer', async () => {
        const answer = await platform.get('hello').catch(() => undefined);
        return answer?.status === 200;
      });
      const observer = await Observer.open(platform);
      try {
        let doubled: string[] = [];
        await waitFor(
          'everything wanted to run once',
          async () => {
            doubled = await observer.doubled(appId);
            return doubled.length === 0;
          },
          { describe: () => doubled.join('\n') },
        );
      } finally {
        await observer.close();
      }
      const running = (await platform.containers('hello')).filter((c) => c.State === 'running');
      expect(before).toEqual(expect.arrayContaining(running.map(({ Id }) => Id)));
      expect((await stranger.inspect()).State.Status).toBe('exited');
      // A deploy after it works as before it.
      await platform.json(['config', 'set', '-a', 'hello', `AFTER=${signal} ${Date.now()}`]);
      expect((await platform.get('hello')).status).toBe(200);
    });
  }

  it('and no request of one app was ever answered by another', () => {
    expect([...load.wrong]).toEqual([]);
    for (const [app, count] of load.answers) expect(count, app).toBeGreaterThan(100);
  });
});
