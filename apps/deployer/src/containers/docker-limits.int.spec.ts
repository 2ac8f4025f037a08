import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '@shiplog/domain';
import { LABEL, connectEngine } from '@shiplog/engine';
import { busyboxImage } from '../testing/busybox-image.js';
import { cleanUp } from '../testing/clean-up.js';
import { LIMITS } from '../testing/plan-input.js';
import type { ContainerSpec, Surroundings } from './container-engine.port.js';
import { DockerContainerEngine } from './docker-container-engine.js';
import { DockerLimits } from './docker-limits.js';
import { diskUnder } from './engine-disk.js';

const docker = connectEngine();
const platform = `dl${Math.random().toString(36).slice(2, 8)}`;
const engine = new DockerContainerEngine(docker, platform);
const MB = 1024 * 1024;

describe('what a container gets for life', () => {
  let imageId: string;
  beforeAll(async () => {
    imageId = await busyboxImage(docker);
  });
  afterAll(() => cleanUp(docker, platform));

  const specOf = (name: string, more: Partial<Surroundings>): ContainerSpec => ({
    name: `${platform}-${name}`,
    imageId,
    command: ['sleep', '100000'],
    env: {},
    labels: { [LABEL.platform]: platform, [LABEL.instance]: name, [LABEL.team]: 't1' },
    network: `${platform}-t1`,
    address: null,
    publish: null,
    limits: LIMITS,
    surroundings: { ...DEFAULT_SETTINGS, ...more },
  });
  const say = async (id: string, command: string): Promise<string> => {
    const exec = await docker
      .getContainer(id)
      .exec({ Cmd: ['sh', '-c', command], AttachStdout: true, AttachStderr: true, Tty: true });
    const stream = await exec.start({ Tty: true });
    let text = '';
    for await (const part of stream) text += String(part);
    return text.trim();
  };

  it('holds inside: nothing to write but tmpfs, ulimits, /dev/shm, rates of the disk', async () => {
    const id = await engine.create(
      specOf('all', {
        readOnlyRoot: true,
        tmpfs: [{ path: '/scratch', sizeBytes: 2 * MB }],
        ulimits: { nofile: { soft: 100, hard: 200 } },
        shmBytes: 3 * MB,
        ioReadBps: 5 * MB,
        ioWriteIops: 700,
      }),
    );
    await engine.start(id);
    const busybox = '/bin/busybox';
    expect(await say(id, `echo x > /new`)).toContain('Read-only file system');
    expect(await say(id, `echo x > /scratch/new; cat /scratch/new`)).toBe('x');
    expect(await say(id, 'ulimit -n; ulimit -H -n')).toMatch(/^100\s+200$/);
    expect(await say(id, `${busybox} df -k /dev/shm | ${busybox} tail -1`)).toMatch(/ 3072 /);
    expect(await say(id, `${busybox} df -k /scratch | ${busybox} tail -1`)).toMatch(/ 2048 /);
    const { HostConfig: host } = await docker.getContainer(id).inspect();
    const { DockerRootDir } = (await docker.info()) as { DockerRootDir: string };
    const disk = await diskUnder(DockerRootDir);
    expect(host.BlkioDeviceReadBps).toEqual([{ Path: disk, Rate: 5 * MB }]);
    expect(host.BlkioDeviceWriteIOps).toEqual([{ Path: disk, Rate: 700 }]);
  });

  it('is refused by name where the engine has no such runtime, with those that it has', async () => {
    await expect(engine.create(specOf('kata', { runtime: 'kata' }))).rejects.toMatchObject({
      code: 'unsupported',
      said: expect.stringMatching(/no container runtime "kata"; it knows .*runc/),
    });
  });

  it('is refused where the disk is not to be found', async () => {
    const limits = new DockerLimits(docker, () => Promise.reject(new Error('it is elsewhere')));
    await expect(limits.diskFor(specOf('elsewhere', { ioReadBps: MB }))).rejects.toMatchObject({
      code: 'unsupported',
      said: expect.stringContaining('it is elsewhere'),
    });
    expect(await limits.diskFor(specOf('any', {}))).toBeNull();
  });

  it('either weighs disk I/O or says that it cannot', async () => {
    const spec = { ...specOf('weight', {}), limits: { ...LIMITS, ioWeight: 300 } };
    const outcome = await engine.create(spec).then(
      async (id) => (await engine.inspect(id))?.limits?.ioWeight,
      ({ code }: { code: string }) => code,
    );
    expect([300, 'unsupported']).toContain(outcome);
    if (outcome === 300) return;
    // And leaves nothing behind.
    expect((await engine.list()).map(({ instanceId }) => instanceId)).not.toContain('weight');
    const id = await engine.create(specOf('unweighed', {}));
    await expect(engine.resize(id, spec.limits)).rejects.toMatchObject({ code: 'unsupported' });
  });
});
