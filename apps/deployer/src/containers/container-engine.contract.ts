import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '@shiplog/domain';
import { LABEL } from '@shiplog/engine';
import type { Limits } from '@shiplog/events';
import { waitFor } from '../testing/wait-for.js';
import type {
  ContainerEngine,
  ContainerSpec,
  EngineNotice,
  Surroundings,
} from './container-engine.port.js';

interface EngineFixture {
  readonly platform: string;
  readonly engine: ContainerEngine;
  /** The same engine as another platform sees it. */
  readonly neighbour: ContainerEngine;
  readonly imageId: string;
  readonly port: number;
  readonly programs: {
    readonly forever: readonly string[];
    readonly exits: (code: number) => readonly string[];
    readonly prints: (text: string) => readonly string[];
  };
  /** Makes the program of a running container end by itself. */
  readonly crash: (containerId: string) => Promise<void>;
  /** Somebody removes a network by hand. */
  readonly dropNetwork: (name: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

const MB = 1024 * 1024;
const LIMITS: Limits = {
  memoryBytes: 64 * MB,
  memoryReservationBytes: 32 * MB,
  cpus: 0.5,
  cpuReservation: 0.25,
  pids: 50,
  ioWeight: 500,
};
const SURROUNDINGS: Surroundings = DEFAULT_SETTINGS;

/** What any engine must do. */
export const describeContainerEngine = (
  name: string,
  create: () => Promise<EngineFixture>,
): void => {
  describe(`${name} as container engine`, () => {
    let fixture: EngineFixture;
    let engine: ContainerEngine;
    beforeAll(async () => {
      fixture = await create();
      engine = fixture.engine;
    });
    afterAll(() => fixture.close());

    const specOf = (instanceId: string, more: Partial<ContainerSpec> = {}): ContainerSpec => ({
      name: `${fixture.platform}-${instanceId}`,
      imageId: fixture.imageId,
      command: fixture.programs.forever,
      env: { GREETING: 'hello' },
      labels: {
        [LABEL.platform]: fixture.platform,
        [LABEL.app]: 'a1',
        [LABEL.team]: 't1',
        [LABEL.instance]: instanceId,
      },
      network: `${fixture.platform}-t1`,
      address: null,
      publish: null,
      limits: LIMITS,
      surroundings: SURROUNDINGS,
      ...more,
    });
    const run = async (instanceId: string, more: Partial<ContainerSpec> = {}) => {
      const id = await engine.create(specOf(instanceId, more));
      await engine.start(id);
      return id;
    };
    const until = (id: string, status: string) =>
      waitFor(`${id} to be ${status}`, async () => {
        const container = await engine.inspect(id);
        return container?.status === status && container;
      });

    it('says what it is', async () => {
      expect((await engine.facts()).version).not.toBe('');
    });

    it('creates a container that has not run yet', async () => {
      const id = await engine.create(specOf('created'));
      expect(await engine.inspect(id)).toMatchObject({
        id,
        instanceId: 'created',
        appId: 'a1',
        status: 'created',
        startedAt: null,
        exitCode: null,
        restartPolicy: 'no',
        pid: null,
      });
      expect(await engine.list()).toContainEqual({
        id,
        instanceId: 'created',
        status: 'created',
      });
    });

    it('meets its own container when it creates the same again', async () => {
      const id = await engine.create(specOf('twice'));
      expect(await engine.create(specOf('twice'))).toBe(id);
    });

    it('refuses a name that another instance has', async () => {
      await engine.create(specOf('owner'));
      const thief = specOf('thief', { name: specOf('owner').name });
      await expect(engine.create(thief)).rejects.toMatchObject({ code: 'name-taken' });
    });

    it('does not get an image by itself', async () => {
      const imageId = `sha256:${'f'.repeat(64)}`;
      expect(await engine.hasImage(imageId)).toBe(false);
      expect(await engine.hasImage(fixture.imageId)).toBe(true);
      await expect(engine.create(specOf('noimage', { imageId }))).rejects.toMatchObject({
        code: 'image-missing',
      });
    });

    it('starts once, however often it is asked', async () => {
      const id = await run('started');
      const first = await until(id, 'running');
      await engine.start(id);
      expect((await engine.inspect(id))?.startedAt).toBe(first.startedAt);
      expect(first.startedAt).not.toBeNull();
    });

    it('tells how a program ended', async () => {
      const id = await run('ended', { command: fixture.programs.exits(3) });
      const container = await until(id, 'exited');
      expect(container).toMatchObject({ exitCode: 3, oomKilled: false });
      expect(container.finishedAt).not.toBeNull();
    });

    it('starts another run of the same container, told apart by its time', async () => {
      const id = await run('again', { command: fixture.programs.exits(0) });
      const first = await until(id, 'exited');
      await engine.start(id);
      const second = await until(id, 'exited');
      expect(second.startedAt).not.toBe(first.startedAt);
    });

    it('stops what runs, and nothing else', async () => {
      const id = await run('stopped');
      await engine.stop(id, 1);
      expect(await engine.inspect(id)).toMatchObject({ status: 'exited' });
      await engine.stop(id, 1);
      await engine.stop('0'.repeat(64), 1);
    });

    it('refuses a port that another container has', async () => {
      const publish = { hostPort: fixture.port, containerPort: 8080 };
      await run('port1', { publish });
      const second = await engine.create(specOf('port2', { publish }));
      await expect(engine.start(second)).rejects.toMatchObject({ code: 'port-taken' });
    });

    it('keeps addresses for those that ask for one, and refuses what is taken', async () => {
      const range = await engine.ensureNetwork(`${fixture.platform}-t1`, 't1');
      expect(await engine.ensureNetwork(`${fixture.platform}-t1`, 't1')).toEqual(range);
      const address = range?.to ?? '';
      await run('address1', { address });
      const second = await engine.create(specOf('address2', { address }));
      await expect(engine.start(second)).rejects.toMatchObject({ code: 'address-taken' });
    });

    it('tells that the network of a container was removed, and makes it again for the next one', async () => {
      const network = `${fixture.platform}-t2`;
      const id = await run('netless1', { network, command: fixture.programs.exits(0) });
      await until(id, 'exited');
      await engine.removeNetwork(network);
      await expect(engine.start(id)).rejects.toMatchObject({ code: 'network-missing' });
      await until(await run('netless2', { network }), 'running');
    });

    it('tells that a network was removed behind its back', async () => {
      const network = `${fixture.platform}-t3`;
      const id = await engine.create(specOf('netless3', { network }));
      // It is not the neighbour's to remove.
      await fixture.neighbour.removeNetwork(network);
      await engine.start(id);
      await engine.stop(id, 0);
      await fixture.dropNetwork(network);
      await expect(engine.start(id)).rejects.toMatchObject({ code: 'network-missing' });
      await until(await run('netless4', { network }), 'running');
    });

    it('starts a crashed program again by itself once it is told to', async () => {
      const id = await run('kept');
      const before = await until(id, 'running');
      await engine.setRestartPolicy(id, 'unless-stopped');
      await fixture.crash(id);
      const after = await waitFor('the next run', async () => {
        const container = await engine.inspect(id);
        const isNext = container?.status === 'running' && container.startedAt !== before.startedAt;
        return isNext && container;
      });
      expect(after).toMatchObject({ restartCount: 1, restartPolicy: 'unless-stopped' });
      await engine.setRestartPolicy('0'.repeat(64), 'no');
    });

    it('keeps what a program wrote, also when it has ended', async () => {
      const id = await run('talks', { command: fixture.programs.prints('good morning') });
      const [line] = await waitFor('its line', async () => {
        const lines = await engine.lastLines(id, { lines: 10 });
        return lines.length > 0 && lines;
      });
      expect(line).toMatchObject({ stream: 'stdout', text: 'good morning' });
      expect(line?.time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      expect(await engine.lastLines(id, { lines: 10, since: '2999-01-01T00:00:00Z' })).toEqual([]);
      expect(await engine.lastLines('0'.repeat(64), { lines: 10 })).toEqual([]);
    });

    it('runs a command in a container and tells how it ended and what it wrote', async () => {
      const { exits, prints, forever } = fixture.programs;
      const id = await run('execs');
      await until(id, 'running');
      expect(await engine.exec(id, exits(0), 5000)).toMatchObject({ exitCode: 0 });
      expect(await engine.exec(id, exits(3), 5000)).toMatchObject({ exitCode: 3 });
      expect((await engine.exec(id, prints('well'), 500)).output.trim()).toBe('well');
      expect(await engine.exec(id, forever, 100)).toMatchObject({ exitCode: null });
      await expect(engine.exec(id, ['/no/such'], 5000)).rejects.toMatchObject({
        code: 'no-such-executable',
      });
      await engine.stop(id, 0);
      await expect(engine.exec(id, exits(0), 5000)).rejects.toMatchObject({
        code: 'engine-refused',
      });
    });

    it('changes limits of what runs without starting it anew, and of what does not run', async () => {
      const id = await run('resized');
      const before = await until(id, 'running');
      expect(before.limits).toEqual(LIMITS);
      const larger: Limits = {
        ...LIMITS,
        memoryBytes: 128 * MB,
        memoryReservationBytes: 96 * MB,
        cpus: 2,
        cpuReservation: 1,
        pids: 70,
      };
      for (const limits of [larger, LIMITS, larger]) {
        await engine.resize(id, limits);
        expect(await engine.inspect(id)).toMatchObject({ limits, startedAt: before.startedAt });
      }
      expect(await engine.memoryInUse(id)).toBeLessThan(64 * MB);
      await engine.stop(id, 0);
      await engine.resize(id, LIMITS);
      expect(await engine.inspect(id)).toMatchObject({ limits: LIMITS, status: 'exited' });
      await engine.resize('0'.repeat(64), LIMITS);
      expect(await engine.memoryInUse('0'.repeat(64))).toBeNull();
    });

    describe('volumes', () => {
      const volumeOf = (name: string) => ({
        name: `${fixture.platform}-${name}`,
        labels: { [LABEL.platform]: fixture.platform, [LABEL.volume]: name },
      });
      const mounted = (volume: string) => ({ mounts: [{ volume, path: '/data' }] });

      it('are made once, listed and measured, each platform its own', async () => {
        const { volumes } = engine;
        const volume = volumeOf('listed');
        await volumes.ensure(volume);
        await volumes.ensure(volume);
        expect(await volumes.list()).toEqual([volume.name]);
        expect([...(await volumes.usage()).keys()]).toEqual([volume.name]);
        expect(await fixture.neighbour.volumes.list()).toEqual([]);
        await fixture.neighbour.volumes.remove(volume.name);
        expect(await volumes.list()).toEqual([volume.name]);
        const own = { ...volume, labels: { [LABEL.platform]: `${fixture.platform}-other` } };
        await expect(fixture.neighbour.volumes.ensure(own)).rejects.toMatchObject({
          code: 'name-taken',
        });
        await volumes.remove(volume.name);
        await volumes.remove(volume.name);
        expect(await volumes.list()).toEqual([]);
      });

      it('come from an image only where that is there', async () => {
        const volume = volumeOf('first');
        const first = { imageId: fixture.imageId, path: '/data' };
        await engine.volumes.ensure({ ...volume, first });
        const gone = { ...first, imageId: `sha256:${'f'.repeat(64)}` };
        const ensured = engine.volumes.ensure({ ...volume, first: gone });
        await expect(ensured).rejects.toMatchObject({ code: 'image-missing' });
        await engine.volumes.remove(volume.name);
      });

      it('are never made by a container that needs one', async () => {
        const { name } = volumeOf('gone');
        const spec = specOf('needy', mounted(name));
        await expect(engine.create(spec)).rejects.toMatchObject({ code: 'volume-missing' });
        expect(await engine.volumes.list()).toEqual([]);
        await engine.volumes.ensure(volumeOf('gone'));
        await engine.start(await engine.create(spec));
      });

      it('outlive their containers, and go with those that do not run', async () => {
        const volume = volumeOf('kept');
        await engine.volumes.ensure(volume);
        const first = await run('first', mounted(volume.name));
        await engine.stop(first, 0);
        await engine.remove(first);
        expect(await engine.volumes.list()).toContain(volume.name);
        const second = await run('second', mounted(volume.name));
        await expect(engine.volumes.remove(volume.name)).rejects.toMatchObject({
          code: 'volume-in-use',
        });
        expect(await engine.volumes.users(volume.name)).toEqual([second]);
        expect(await fixture.neighbour.volumes.users(volume.name)).toEqual([]);
        await engine.stop(second, 0);
        expect(await engine.volumes.users(volume.name)).toEqual([]);
        await engine.volumes.remove(volume.name);
        expect(await engine.volumes.list()).not.toContain(volume.name);
        expect(await engine.inspect(second)).toBeUndefined();
      });
    });

    it('removes what does not run', async () => {
      const id = await engine.create(specOf('removed'));
      await engine.remove(id);
      expect(await engine.inspect(id)).toBeUndefined();
      await engine.remove(id);
    });

    it('tells what happens while it is watched', async () => {
      const abort = new AbortController();
      const notices: EngineNotice[] = [];
      let isOpen = false;
      const watching = engine.watch(
        { onOpen: () => (isOpen = true), onNotice: (notice) => notices.push(notice) },
        abort.signal,
      );
      await waitFor('the stream', () => isOpen);
      const id = await run('watched', { command: fixture.programs.exits(4) });
      await waitFor('the end to be told', () =>
        notices.some((n) => n.containerId === id && n.what === 'die' && n.exitCode === 4),
      );
      abort.abort();
      await watching;
    });

    it('shows a platform its own containers only', async () => {
      await engine.create(specOf('mine'));
      expect(await fixture.neighbour.list()).toEqual([]);
    });
  });
};
