import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KnownInstance } from '@shiplog/domain';
import { connectEngine } from '@shiplog/engine';
import { START, type ProcessSpec } from '@shiplog/events';
import type { RunningProcess } from '@shiplog/runtime';
import { startDeployer } from './index.js';
import { busyboxImage } from './testing/busybox-image.js';
import { cleanUp } from './testing/clean-up.js';
import { testPlatform, type TestPlatform } from './testing/test-platform.js';
import { waitFor } from './testing/wait-for.js';

const docker = connectEngine();
const web: ProcessSpec = { command: ['httpd', '-f', '-p', '0.0.0.0:8080', '-h', '/www'] };
/** From a change of an instance to its event in the log; routers act within milliseconds of that. */
const FOUND_WITHIN_MS = 2_000;

describe('health checks of real containers', () => {
  let platform: TestPlatform;
  let deployer: RunningProcess;
  let image: { id: string };
  /** Runs beside the other tests: it takes its time. */
  let late: Promise<string>;
  /** What the deployer tells of instances that are not ready. */
  const answers = new Set<string>();

  beforeAll(async () => {
    image = { id: await busyboxImage(docker) };
    platform = await testPlatform({ from: 21_600, to: 21_699 });
    await platform.startRouter();
    platform.bus().listen('deployer', 'answers', (data) => {
      for (const { got } of (data as { answers: { got: string }[] }).answers) answers.add(got);
    });
    deployer = await startDeployer(platform.context());
    await platform.createApp('late', { healthPath: '/index.html' });
    const sleepy = { command: ['sh', '-c', `sleep 5; exec ${web.command?.join(' ')}`] };
    const rolloutId = await platform.deploy('late', { image, processes: { web: sleepy } });
    late = platform.ended(rolloutId).then(({ status }) => status);
    await platform.createApp('shop', { healthPath: '/index.html' });
    const rollout = await platform.deploy('shop', { image, processes: { web } });
    await platform.ended(rollout);
  });
  afterAll(async () => {
    await deployer.stop();
    await cleanUp(docker, platform.config.platform);
    await platform.end();
  });

  const only = (appId: string): KnownInstance => {
    const [instance] = platform.open(appId);
    if (instance === undefined) throw new Error(`${appId} has no instance`);
    return instance;
  };
  /** Runs a command of busybox in the instance, and answers when it ended. */
  const inside = async (appId: string, ...command: string[]): Promise<void> => {
    const exec = await docker
      .getContainer(only(appId).containerId ?? '')
      .exec({ Cmd: ['/bin/busybox', ...command], AttachStdout: true, AttachStderr: true });
    const stream = await exec.start({});
    await new Promise((resolve) => stream.once('end', resolve).resume());
  };
  const within = async (appId: string, status: string): Promise<number> => {
    const beganMs = performance.now();
    await waitFor(`${appId} to be ${status}`, () => only(appId).status === status);
    return performance.now() - beganMs;
  };

  it('take an instance out when its path answers wrongly, and back when it answers well', async () => {
    await inside('shop', 'mv', '/www/index.html', '/www/away.html');
    expect(await within('shop', 'unready')).toBeLessThan(FOUND_WITHIN_MS);
    expect(only('shop').unready).toMatchObject({
      cause: 'readiness',
      got: expect.stringContaining('HTTP 404 to GET /index.html') as string,
    });
    await inside('shop', 'mv', '/www/away.html', '/www/index.html');
    await within('shop', 'ready');
    expect(only('shop').restarts).toBe(0);
  });

  it('take an instance out that is frozen while its connections are still accepted', async () => {
    await inside('shop', 'killall', '-STOP', 'httpd');
    expect(await within('shop', 'unready')).toBeLessThan(FOUND_WITHIN_MS);
    expect(only('shop').unready?.got).toBe('no answer to GET /index.html within 1 s');
    await inside('shop', 'killall', '-CONT', 'httpd');
    await within('shop', 'ready');
  });

  it('know a container that somebody paused, at once', async () => {
    const container = docker.getContainer(only('shop').containerId ?? '');
    await container.pause();
    await within('shop', 'unready');
    expect(only('shop').unready?.cause).toBe('paused');
    await container.unpause();
    await within('shop', 'ready');
  });

  it('of a worker are a command in it; where it fails, it is started again', async () => {
    await platform.createApp('jobs');
    const worker = { command: ['sh', '-c', 'echo > /www/alive; exec sleep 100000'] };
    await platform.deploy('jobs', { image, processes: { worker } });
    await platform.app('jobs', {
      type: 'ChangeSettings',
      changes: {},
      checks: {
        worker: {
          startup: { kind: 'command', command: ['cat', '/www/alive'], intervalMs: 100 },
          liveness: {
            kind: 'command',
            command: ['cat', '/www/alive'],
            intervalMs: 300,
            failures: 2,
          },
        },
      },
      baseVersion: null,
    });
    await platform.app('jobs', { type: 'Scale', formation: { worker: 1 } });
    await waitFor('the worker', () => platform.open('jobs')[0]?.status === 'ready');
    await waitFor('its check to count', () => only('jobs').passed?.length === 1);
    await inside('jobs', 'rm', '/www/alive');
    await waitFor('its next run', () => only('jobs').restarts === 1);
    await within('jobs', 'ready');
    const events = (await platform.log.readAfter(START, 10_000)).flatMap(
      ({ commit }) => commit.events,
    );
    expect(events.filter(({ type }) => type === 'InstanceUnready').at(-1)?.data).toMatchObject({
      cause: 'liveness',
      got: expect.stringContaining('cat ended with 1') as string,
    });
    // Ours, with what it had to end: nobody else sent it.
    expect(
      events.filter(({ type }) => type === 'InstanceSignalled').map(({ data }) => data),
    ).toEqual([
      expect.objectContaining({ signal: 'SIGTERM', graceSeconds: expect.any(Number) as number }),
    ]);
  });

  it('do not hurry what listens late', async () => {
    expect(await late).toBe('completed');
    expect(answers).toContain('connection refused');
  });
});
