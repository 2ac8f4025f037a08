import { EXCLUSIVE_VOLUME } from '../exclusive-volume.js';
import { InMemoryBus, InMemoryHub } from '@shiplog/bus';
import { CommandHandler, worldFold } from '@shiplog/commands';
import { World, type CommandByAggregate } from '@shiplog/domain';
import type { Image, RecordedCommit } from '@shiplog/events';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import { createLogger, processContext, readConfig, type ProcessContext } from '@shiplog/runtime';
import { InMemoryHost } from '../../containers/in-memory-container-engine.js';
import type { ContainerEngine } from '../../containers/container-engine.port.js';
import type { plan } from '../../containers/plan.js';
import type { Workbench } from '../../containers/workbench.js';
import { startReconciling } from '../../index.js';
import { Chance } from './chance.js';
import { SimulatedEngine } from './simulated-engine.js';
import { SlowRouter } from './slow-router.js';
import { TroubledEngine, type Trouble } from './troubled-engine.js';
import { VirtualClock } from './virtual-clock.js';
import { Witness } from './witness.js';

export const APP = 'a1';
const user = { kind: 'user', id: 'u1', name: 'ann' } as const;
const image: Image = {
  id: `sha256:${'1'.repeat(64)}`,
  ref: 'test',
  sizeBytes: 1,
  exposedPorts: [],
  repoDigest: `test@sha256:${'2'.repeat(64)}`,
};

/** A mistake that a deployer is made with, anew at each of its starts. */
export interface Mistake {
  readonly plan?: typeof plan;
  readonly engine?: (engine: ContainerEngine) => ContainerEngine;
  readonly bench?: (bench: Workbench) => void;
}

/** A deployer that can end in the middle of anything: what it awaits never comes. */
interface Process {
  isDead: boolean;
  /** Calls that are still answered; undefined: it lives on. */
  callsLeft: number | undefined;
  end: () => void;
}

/** One app on one engine, with routers, users and a deployer, in a time and with a chance of their own. */
export class Life {
  readonly clock = new VirtualClock();
  readonly chance: Chance;
  readonly log = new InMemoryEventLog();
  readonly world = new World();
  readonly feed = new LogFeed(this.log).add(worldFold(this.world, 'test'));
  readonly host = new InMemoryHost(
    () => this.clock.nowMs,
    () => Promise.resolve(),
  );
  readonly engine = new SimulatedEngine(this.host, 'sim', this.clock);
  readonly trouble: Trouble = {
    ...{ slowMs: 0, failing: 0, hanging: null, staleMs: 0, namesTaken: 0 },
  };
  readonly connection: TroubledEngine;
  readonly routers: readonly SlowRouter[];
  readonly witness: Witness;
  /** Everything that happened, a line each. */
  readonly trace: string[] = [];
  arePortsFree = true;
  private readonly commands: CommandHandler;
  private readonly hub = new InMemoryHub();
  private process: Process | undefined;
  private ids = 0;
  private builds = 0;

  private constructor(
    seed: number,
    private readonly plant: () => Mistake,
  ) {
    this.chance = new Chance(seed);
    this.connection = new TroubledEngine(
      this.engine,
      this.clock,
      this.chance,
      this.trouble,
      (call, id, more) => {
        this.note(`engine  ${call} ${id.slice(-12)} ${more}`);
        this.witness.told(call, id, more);
      },
    );
    this.commands = this.handlerOf();
    const ids = this.chance.isTrue(0.3) ? ['r1', 'r2'] : ['r1'];
    this.routers = ids.map(
      (id) =>
        new SlowRouter(id, this.world, this.clock, this.chance, (...args) => this.router(...args)),
    );
    const { world, engine, routers, clock } = this;
    this.witness = new Witness({ appId: APP, world, engine, routers, clock });
    this.host.onLaunch = () => this.witness.launched();
  }

  static async begin(seed: number, plant: () => Mistake = () => ({})): Promise<Life> {
    const life = new Life(seed, plant);
    life.host.images.add(image.id);
    life.host.registry.set(image.repoDigest ?? '', image.id);
    await life.feed.start();
    life.feed.onBatch((batch) => life.take(batch));
    await life.app({ type: 'CreateApp', appId: APP, name: APP, teamId: 't1' });
    const changes = {
      drainSeconds: 2,
      graceSeconds: 5,
      startTimeoutSeconds: 15,
      rolloutTimeoutSeconds: 60,
    };
    await life.app({ type: 'ChangeSettings', changes, baseVersion: null });
    if (seed % WITH_VOLUME === 0) await life.app(EXCLUSIVE_VOLUME);
    for (const { routerId } of life.routers)
      await life.router(routerId, { type: 'StartRouter', routerId, kind: 'haproxy' });
    life.boot();
    return life;
  }

  note(what: string): void {
    this.trace.push(`${(this.clock.nowMs % 100_000_000).toString().padStart(8)} ${what}`);
  }

  async app(command: CommandByAggregate['app']): Promise<void> {
    await this.commands.handle('app', APP, command, { actor: user });
  }

  private router(routerId: string, command: object): Promise<unknown> {
    return this.commands.handle('router', routerId, command as never, { actor: user });
  }

  async deploy(program: readonly string[]): Promise<void> {
    this.builds += 1;
    const buildId = `b${this.builds}`;
    const processes = { web: { command: [...program] } };
    const build = (command: CommandByAggregate['build']) =>
      this.commands.handle('build', buildId, command, { actor: user });
    await build({ type: 'StartBuild', buildId, appId: APP, sourceDigest: null });
    await build({ type: 'SucceedBuild', image, processes, stack: 'image', durationMs: 1 });
    const liveVersion = this.world.liveOf(APP)?.release.version ?? null;
    await this.app({
      type: 'CreateRelease',
      image,
      buildId,
      processes,
      cause: 'image',
      liveVersion,
    });
  }

  loseImage(): void {
    this.host.images.delete(image.id);
  }

  findImage(): void {
    this.host.images.add(image.id);
  }

  get isDead(): boolean {
    return this.process === undefined || this.process.isDead;
  }

  kill(): void {
    const { process } = this;
    if (process === undefined || process.isDead) return;
    process.isDead = true;
    process.end();
    this.note('deployer dies');
  }

  /** It will die in the middle of its work. */
  killAfter(calls: number): void {
    if (this.process !== undefined) this.process.callsLeft = calls;
  }

  boot(): void {
    this.kill();
    this.note('deployer starts');
    const mistake = this.plant();
    const process: Process = { isDead: false, callsLeft: undefined, end: () => undefined };
    this.process = process;
    const alive = async (): Promise<void> => {
      if (!process.isDead && process.callsLeft !== undefined) {
        process.callsLeft -= 1;
        if (process.callsLeft < 0 && this.process === process) this.kill();
      }
      if (process.isDead) await new Promise<never>(() => undefined);
    };
    /** Between "it is done" and "I know it is done" a process can die, too. */
    const around = async <T>(call: () => Promise<T>): Promise<T> => {
      await alive();
      try {
        return await call();
      } finally {
        await alive();
      }
    };
    const engine = mortal(this.connection, around);
    const { bench, stop } = startReconciling(
      this.contextOf(around),
      mistake.engine?.(engine) ?? engine,
      {
        nowMs: () => this.clock.nowMs,
        sleep: (ms, signal) => this.clock.sleep(ms, signal),
        after: (ms, then) => this.clock.after(ms, then),
        later: (ms, then) => this.clock.after(ms, then),
        randomBytes: (count) => this.chance.bytes(count),
        isPortFree: () => Promise.resolve(this.arePortsFree),
        findReach: () => Promise.resolve('direct'),
        ask: ({ container }) => {
          const isReady = this.engine.isListening(container.id);
          const instanceId = this.host.entries.get(container.id)?.instanceId ?? '';
          if (isReady) this.witness.sawListening(instanceId);
          return Promise.resolve({ isReady, got: isReady ? 'listening' : 'refused' });
        },
        askCheck: (_check, { containerId }) => {
          const isReady = this.engine.isListening(containerId);
          return Promise.resolve({ isReady, got: isReady ? 'connected' : 'connection refused' });
        },
        ...(mistake.plan === undefined ? {} : { plan: mistake.plan }),
      },
    );
    mistake.bench?.(bench);
    process.end = () => void stop();
  }

  private contextOf(around: Around): ProcessContext {
    const { log, feed, world } = this;
    const logger = createLogger('silent');
    const context = processContext({
      process: 'deployer',
      config: {
        ...readConfig({ SHIPLOG_PLATFORM: 'sim', SHIPLOG_HOME: '/nonexistent' }),
        instancePorts: { from: 20_000, to: 20_019 },
      },
      log,
      feed,
      world,
      bus: new InMemoryBus(this.hub, 'deployer'),
      logger,
    });
    const commands = this.handlerOf();
    const handle = commands.handle.bind(commands);
    commands.handle = (...args) =>
      around(async () => {
        await this.clock.sleep(this.chance.int(0, 3));
        const result = await handle(...args);
        await this.clock.sleep(this.chance.int(0, 3));
        return result;
      });
    return { ...context, commands };
  }

  private handlerOf(): CommandHandler {
    const { log, world, feed } = this;
    return new CommandHandler({
      log,
      world,
      feed,
      now: () => new Date(this.clock.nowMs),
      newId: () => {
        this.ids += 1;
        return `00000000-0000-7000-8000-${this.ids.toString(16).padStart(12, '0')}`;
      },
    });
  }

  private take(batch: readonly RecordedCommit[]): void {
    for (const { commit, position, hash } of batch) {
      const types = commit.events.map(({ type }) => type).join(', ');
      this.note(`log     ${Number(position)} ${commit.stream} ${types} ${hash.slice(0, 12)}`);
    }
    this.witness.take(batch);
    for (const router of this.routers) router.nudge();
  }
}

type Around = <T>(call: () => Promise<T>) => Promise<T>;

/** One life in so many is one with a volume that no two instances may have at the same time. */
const WITH_VOLUME = 8;

/** The engine as a process sees it that may die at any call. */
const mortal = (engine: ContainerEngine, around: Around): ContainerEngine => ({
  facts: () => around(() => engine.facts()),
  list: () => around(() => engine.list()),
  inspect: (id) => around(() => engine.inspect(id)),
  ensureNetwork: (...args) => around(() => engine.ensureNetwork(...args)),
  create: (spec) => around(() => engine.create(spec)),
  start: (id) => around(() => engine.start(id)),
  stop: (...args) => around(() => engine.stop(...args)),
  setRestartPolicy: (...args) => around(() => engine.setRestartPolicy(...args)),
  volumes: {
    ensure: (...args) => around(() => engine.volumes.ensure(...args)),
    list: () => around(() => engine.volumes.list()),
    remove: (...args) => around(() => engine.volumes.remove(...args)),
    users: (name) => around(() => engine.volumes.users(name)),
    usage: () => around(() => engine.volumes.usage()),
  },
  remove: (id) => around(() => engine.remove(id)),
  hasImage: (id) => around(() => engine.hasImage(id)),
  pull: (digest) => around(() => engine.pull(digest)),
  removeNetwork: (name) => around(() => engine.removeNetwork(name)),
  lastLines: (...args) => around(() => engine.lastLines(...args)),
  exec: (...args) => around(() => engine.exec(...args)),
  resize: (...args) => around(() => engine.resize(...args)),
  memoryInUse: (id) => around(() => engine.memoryInUse(id)),
  watch: (...args) => engine.watch(...args),
});
