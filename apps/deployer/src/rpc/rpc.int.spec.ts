import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bus, Frame, Session } from '@shiplog/bus';
import { LABEL, connectEngine, ownedBy } from '@shiplog/engine';
import type { RunningProcess } from '@shiplog/runtime';
import { startDeployer } from '../index.js';
import { busyboxImage } from '../testing/busybox-image.js';
import { cleanUp } from '../testing/clean-up.js';
import { testPlatform, type TestPlatform } from '../testing/test-platform.js';
import { waitFor } from '../testing/wait-for.js';

const docker = connectEngine();

describe('what the deployer answers over the bus', () => {
  let platform: TestPlatform;
  let deployer: RunningProcess;
  let bus: Bus;
  let instanceId: string;

  beforeAll(async () => {
    const image = { id: await busyboxImage(docker) };
    platform = await testPlatform({ from: 21_400, to: 21_499 });
    bus = platform.bus();
    await platform.startRouter();
    deployer = await startDeployer(platform.context());
    await platform.createApp('talker');
    await platform.app('talker', {
      type: 'ChangeConfig',
      set: { GREETING: await platform.keyring.encrypt('talker', 'good morning') },
      unset: [],
      baseVersion: null,
    });
    const script =
      'echo first; echo second >&2; n=0; while true; do sleep 0.1; n=$((n+1)); echo tick $n; done';
    await platform.ended(
      await platform.deploy('talker', {
        image,
        processes: { web: { command: ['sh', '-c', `httpd -p 0.0.0.0:8080 -h /www; ${script}`] } },
      }),
    );
    instanceId = platform.open('talker')[0]?.instanceId ?? '';
  });
  afterAll(async () => {
    await deployer.stop();
    await bus.close();
    await cleanUp(docker, platform.config.platform);
    await platform.end();
  });

  const collect = (session: Session): Frame[] => {
    const frames: Frame[] = [];
    session.onFrame((frame) => frames.push(frame));
    return frames;
  };
  const textOf = (frames: readonly Frame[], kind: string): string =>
    Buffer.concat(
      frames.filter((f) => f.kind === kind).map((f) => f.bytes ?? Buffer.alloc(0)),
    ).toString();
  const exitOf = (frames: readonly Frame[]) => frames.find(({ kind }) => kind === 'exit')?.head;

  it('says which engine it works with', async () => {
    expect(await bus.request('deployer', 'health', {})).toMatchObject({
      version: expect.any(String) as string,
      instances: 1,
    });
  });

  it('sends the last lines of an app with time, instance and stream', async () => {
    const session = await bus.open('deployer', 'logs', {
      appId: 'talker',
      tail: 1000,
      follow: false,
    });
    const frames = collect(session);
    expect(await session.ended).toBeUndefined();
    const lines = frames.map(({ head }) => head);
    expect(lines).toContainEqual(
      expect.objectContaining({
        instance: instanceId,
        process: 'web',
        stream: 'stdout',
        text: 'first',
      }),
    );
    expect(lines).toContainEqual(expect.objectContaining({ stream: 'stderr', text: 'second' }));
  });

  it('goes on with what is written, each line once, until the asker leaves', async () => {
    const session = await bus.open('deployer', 'logs', { appId: 'talker', tail: 3, follow: true });
    const frames = collect(session);
    await waitFor('new lines', () => frames.length > 12);
    session.end();
    const numbers = frames.flatMap(({ head }) => {
      const [, n] = /^tick (\d+)$/.exec(String(head?.['text'])) ?? [];
      return n === undefined ? [] : [Number(n)];
    });
    expect(numbers.length).toBeGreaterThan(5);
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i));
  });

  it('runs a command in an instance and tells its exit code', async () => {
    const session = await bus.open('deployer', 'exec', {
      instanceId,
      command: ['sh', '-c', 'cat; echo to-err >&2; exit 7'],
      tty: false,
      columns: 80,
      rows: 24,
    });
    const frames = collect(session);
    session.send({ kind: 'stdin', bytes: Buffer.from('typed\n') });
    session.send({ kind: 'stdin-end' });
    expect(await session.ended).toBeUndefined();
    expect(textOf(frames, 'stdout')).toBe('typed\n');
    expect(textOf(frames, 'stderr')).toBe('to-err\n');
    expect(exitOf(frames)).toEqual({ exitCode: 7 });
  });

  it('gives a command a terminal of the right size', async () => {
    const session = await bus.open('deployer', 'exec', {
      instanceId,
      command: ['sh'],
      tty: true,
      columns: 91,
      rows: 33,
    });
    const frames = collect(session);
    session.send({ kind: 'resize', head: { columns: 101, rows: 43 } });
    session.send({ kind: 'stdin', bytes: Buffer.from('stty size\nexit 4\n') });
    await session.ended;
    expect(textOf(frames, 'stdout')).toMatch(/33 91|43 101/);
    expect(exitOf(frames)).toEqual({ exitCode: 4 });
  });

  it('names an instance that is not there', async () => {
    const session = await bus.open('deployer', 'exec', {
      instanceId: 'web-nosuch',
      command: ['id'],
    });
    expect(await session.ended).toMatchObject({ code: 'instance-not-found' });
  });

  it('runs a one-off command of the live release with its config, and leaves nothing behind', async () => {
    const session = await bus.open('deployer', 'run', {
      appId: 'talker',
      command: ['sh', '-c', 'echo $GREETING $EXTRA $SHIPLOG_APP; exit 5'],
      env: { EXTRA: 'more' },
    });
    const frames = collect(session);
    await session.ended;
    expect(textOf(frames, 'stdout')).toBe('good morning more talker\n');
    expect(exitOf(frames)).toEqual({ exitCode: 5 });
    const filters = ownedBy(platform.config.platform, `${LABEL.kind}=run`);
    await waitFor('the container to go', async () => {
      return (await docker.listContainers({ all: true, filters })).length === 0;
    });
  });

  it('says what is wrong with a one-off command', async () => {
    const session = await bus.open('deployer', 'run', { appId: 'talker', command: ['/no/such'] });
    const frames = collect(session);
    await session.ended;
    expect(exitOf(frames)).toEqual({ exitCode: 127 });
    const unknown = await bus.open('deployer', 'run', { appId: 'nobody', command: ['id'] });
    expect(await unknown.ended).toMatchObject({ code: 'app-not-found' });
  });

  it('lets a detached command go on alone', async () => {
    const session = await bus.open('deployer', 'run', {
      appId: 'talker',
      command: ['sh', '-c', 'sleep 1; echo all done'],
      detach: true,
    });
    const frames = collect(session);
    await session.ended;
    expect(exitOf(frames)).toMatchObject({ exitCode: 0, detached: true });
    const instances = [String(exitOf(frames)?.['name'])];
    await waitFor('its last line', async () => {
      const log = await bus.open('deployer', 'logs', { appId: 'talker', instances, follow: false });
      const lines = collect(log);
      await log.ended;
      return lines.some(({ head }) => head?.['text'] === 'all done');
    });
  });

  it('ends a one-off command that nobody watches any more', async () => {
    const session = await bus.open('deployer', 'run', {
      appId: 'talker',
      command: ['sleep', '1000'],
    });
    const filters = ownedBy(platform.config.platform, `${LABEL.kind}=run`);
    await waitFor('it to run', async () => {
      const [container] = await docker.listContainers({ filters });
      return container?.State === 'running';
    });
    session.end();
    await waitFor('it to end', async () => {
      const left = await docker.listContainers({ all: true, filters });
      return left.every(({ Labels }) => LABEL.detached in Labels);
    });
  });

  it('ends a one-off command whose watcher nobody remembers', async () => {
    const container = await docker.createContainer({
      Image: await busyboxImage(docker),
      Cmd: ['sleep', '1000'],
      HostConfig: { AutoRemove: true, NetworkMode: 'none', Init: true },
      Labels: {
        [LABEL.platform]: platform.config.platform,
        [LABEL.app]: 'talker',
        [LABEL.kind]: 'run',
      },
    });
    await container.start();
    await waitFor(
      'it to end',
      async () =>
        container.inspect().then(
          () => false,
          () => true,
        ),
      30_000,
    );
  });
});
