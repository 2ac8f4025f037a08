import { EXCLUSIVE_VOLUME } from './exclusive-volume.js';
import { InMemoryBus, InMemoryHub } from '@shiplog/bus';
import { CommandHandler, worldFold } from '@shiplog/commands';
import { routeWeights, World, type KnownInstance } from '@shiplog/domain';
import type { Image, RecordedCommit } from '@shiplog/events';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import { createLogger, processContext, readConfig } from '@shiplog/runtime';
import type { ContainerEngine } from '../containers/container-engine.port.js';
import { desiredApp } from '../containers/desired.js';
import { InMemoryContainerEngine, InMemoryHost } from '../containers/in-memory-container-engine.js';
import { Reconciliation } from '../containers/reconcile.js';
import { inForce, isRouted, isServing } from '../containers/serving.js';
import { Workbench } from '../containers/workbench.js';

export const APP = 'a1';
const user = { kind: 'user', id: 'u1', name: 'ann' } as const;
const image: Image = {
  id: `sha256:${'1'.repeat(64)}`,
  ref: 'test',
  sizeBytes: 1,
  exposedPorts: [],
  repoDigest: `test@sha256:${'2'.repeat(64)}`,
};

/** Ends a simulated process in the middle of anything: what it awaits never comes. */
class Mortality {
  /** Calls that are still answered; undefined: it lives on. */
  callsLeft: number | undefined;
  isDead = false;

  async around<T>(call: () => Promise<T>): Promise<T> {
    await this.step();
    const result = await call();
    // Between "it is done" and "I know it is done" a process can die, too.
    await this.step();
    return result;
  }

  private async step(): Promise<void> {
    if (this.callsLeft !== undefined) {
      this.callsLeft -= 1;
      if (this.callsLeft < 0) this.isDead = true;
    }
    if (this.isDead) await new Promise<never>(() => undefined);
  }
}

/** One app on one engine in memory, with a clock that only the test moves. */
export class Simulation {
  readonly log = new InMemoryEventLog();
  readonly world = new World();
  readonly feed = new LogFeed(this.log).add(worldFold(this.world, 'test'));
  readonly host = new InMemoryHost(() => this.nowMs);
  readonly engine = new InMemoryContainerEngine(this.host, 'sim');
  readonly broken: string[] = [];
  readonly repoDigest = image.repoDigest ?? '';
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  routerWorks = true;
  arePortsFree = true;
  /** Releases of this parity answer every second request with an error. */
  faultyParity: 0 | 1 | null = null;
  /** Requests of each instance so far. */
  private readonly requests = new Map<string, number>();
  /** Finding out how an instance is reached takes until this resolves. */
  reachFound: Promise<void> = Promise.resolve();
  /** Runs that were asked whether they are ready, by start time. */
  readonly asked: (string | null)[] = [];
  /** Containers whose readiness check fails, and whose liveness check does. */
  readonly sick = new Set<string>();
  readonly dead = new Set<string>();
  private readonly clock = new ManualClock();
  private readonly commands = new CommandHandler({
    log: this.log,
    world: this.world,
    feed: this.feed,
    now: () => new Date(this.nowMs),
  });
  private readonly hub = new InMemoryHub();
  private builds = 0;
  private life = new Mortality();
  private bench: Workbench | undefined;
  private reconciliation: Reconciliation | undefined;
  private unfollow: () => void = () => undefined;
  /** What served before the batch that is looked at. */
  private serving = new Map<string, KnownInstance>();

  /** `stopFirst`: no two instances of `web` may run at the same time. */
  private constructor(private readonly stopFirst: boolean) {
    this.host.onLaunch = () => {
      const count = this.running().length;
      if (this.stopFirst && count > 1) this.broken.push(`${count} run at the same time`);
    };
  }

  /** `volume`: for the sake of an exclusive volume, which no two running containers may have. */
  static async create({ stopFirst = false, volume = false } = {}): Promise<Simulation> {
    const simulation = new Simulation(stopFirst || volume);
    simulation.host.images.add(image.id);
    await simulation.feed.start();
    simulation.feed.onBatch((batch) => simulation.checkSafety(batch));
    await simulation.app({ type: 'CreateApp', appId: APP, name: APP, teamId: 't1' });
    if (stopFirst) {
      const changes = { stopFirst: ['web'] };
      await simulation.app({ type: 'ChangeSettings', changes, baseVersion: null });
    }
    if (volume) await simulation.app(EXCLUSIVE_VOLUME);
    await simulation.router({ type: 'StartRouter', routerId: 'r1', kind: 'haproxy' });
    simulation.boot();
    return simulation;
  }

  app(command: Parameters<CommandHandler['handle']>[2] & { type: string }): Promise<unknown> {
    return this.commands.handle('app', APP, command as never, { actor: user });
  }

  /** From now on its instances are asked whether they live. */
  checkLiveness(): Promise<unknown> {
    const liveness = { kind: 'http', path: '/alive' } as const;
    return this.app({
      type: 'ChangeSettings',
      changes: {},
      checks: { web: { liveness } },
      baseVersion: null,
    } as never);
  }

  private router(command: object): Promise<unknown> {
    return this.commands.handle('router', 'r1', command as never, { actor: user });
  }

  /** Another memory limit, for the whole app or for `web` alone. */
  async resize(memoryBytes: number, own: boolean): Promise<void> {
    await this.app(
      own
        ? { type: 'ResizeProcess', process: 'web', set: { memoryBytes }, unset: [] }
        : { type: 'ChangeSettings', changes: { memoryBytes }, baseVersion: null },
    );
  }

  async deploy(program: readonly string[], release?: readonly string[]): Promise<void> {
    this.builds += 1;
    const buildId = `b${this.builds}`;
    const processes = {
      web: { command: [...program] },
      ...(release === undefined ? {} : { release: { command: [...release] } }),
    };
    const build = (command: object) =>
      this.commands.handle('build', buildId, command as never, { actor: user });
    await build({ type: 'StartBuild', buildId, appId: APP, sourceDigest: null });
    await build({ type: 'SucceedBuild', image, processes, stack: 'image', durationMs: 1 });
    await this.app({
      type: 'CreateRelease',
      image,
      buildId,
      processes,
      cause: 'image',
      liveVersion: this.world.liveOf(APP)?.release.version ?? null,
    } as never);
  }

  /** A deployer process begins; one that lived before is gone, whatever it was doing. */
  boot(): void {
    this.unfollow();
    this.life.isDead = true;
    this.bench?.abort.abort();
    const life = new Mortality();
    this.life = life;
    const context = processContext({
      process: 'deployer',
      config: readConfig({ SHIPLOG_PLATFORM: 'sim', SHIPLOG_HOME: '/nonexistent' }),
      log: this.log,
      feed: this.feed,
      world: this.world,
      bus: new InMemoryBus(this.hub, 'deployer'),
      logger: createLogger('silent'),
    });
    const handle = context.commands.handle.bind(context.commands);
    context.commands.handle = (...args) => life.around(() => handle(...args));
    const bench = new Workbench(context, mortal(this.engine, life), {
      onStepError: (step, error) => {
        if (!this.host.isDown) this.broken.push(`${step}: ${String(error)}`);
      },
      nowMs: () => this.nowMs,
      isPortFree: () => Promise.resolve(this.arePortsFree),
      findReach: () => this.reachFound.then(() => 'direct'),
      ask: ({ container }) => {
        const entry = this.host.entries.get(container.id);
        this.asked.push(entry?.startedAt ?? null);
        const [program] = entry?.spec.command ?? [];
        return Promise.resolve({ isReady: program === 'serve', got: 'refused' });
      },
      later: (ms, work) => this.clock.later(this.nowMs + ms, work),
      // A check over HTTP is about life here, one by a connection about readiness.
      askCheck: ({ kind }, { containerId }) => {
        const ill = kind === 'http' ? this.dead : this.sick;
        return Promise.resolve({ isReady: !ill.has(containerId), got: 'ill' });
      },
    });
    const reconciliation = new Reconciliation(bench);
    this.unfollow = this.feed.onBatch((batch) => reconciliation.take(batch));
    this.bench = bench;
    this.reconciliation = reconciliation;
    void bench.engine
      .watch(
        { onOpen: () => bench.engineOpened(), onNotice: (n) => bench.view.notice(n) },
        bench.abort.signal,
      )
      .catch(() => undefined);
  }

  /** The engine's stream of events broke and was opened again. */
  reopen(): void {
    this.bench?.engineOpened();
  }

  /** The process will die in the middle of its work, after this many calls. */
  dieAfter(calls: number): void {
    this.life.callsLeft = calls;
  }

  get isDead(): boolean {
    return this.life.isDead;
  }

  /** Rounds until nothing moves any more without time or the outside. */
  async settle(): Promise<void> {
    await this.clock.run(this.nowMs);
    this.serveRequests();
    for (let quiet = 0; quiet < 3 && !this.life.isDead;) {
      const before = await this.log.head();
      await this.oneRound();
      if (this.routerWorks) await this.route();
      await this.feed.catchUp();
      quiet = (await this.log.head()) === before && !this.isBusy() ? quiet + 1 : 0;
    }
  }

  advance(ms: number): void {
    this.nowMs += ms;
    this.clock.passed(ms);
  }

  private isBusy(): boolean {
    return [...(this.bench?.tasks.busy ?? [])].some((key) => !/^(probe|pull):/.test(key));
  }

  private async oneRound(): Promise<void> {
    const round = this.reconciliation?.round().catch((error: unknown) => {
      if (!this.host.isDown) this.broken.push(`round: ${String(error)}`);
    });
    let isOver = false;
    void round?.then(() => (isOver = true));
    // A dead process never ends its round: nobody may wait for it.
    for (let turns = 0; turns < 500 && !this.life.isDead; turns += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (isOver && !this.isBusy()) return;
    }
  }

  /** What the router counts of what it routes, and tells. */
  private serveRequests(): void {
    const [router] = this.world.routers();
    const instances: Record<string, object> = {};
    for (const { instanceId, version } of this.world.instancesOf(APP)) {
      const isServed = router?.routes.get(instanceId) === 'routed';
      const weight = router?.weights.get(instanceId) ?? 1;
      const requests =
        (this.requests.get(instanceId) ?? 0) +
        (isServed && weight > 0 && this.routerWorks ? 60 : 0);
      this.requests.set(instanceId, requests);
      const errors = version % 2 === this.faultyParity ? requests / 2 : 0;
      instances[instanceId] = { requests, errors, meanMs: 5 };
    }
    this.bench?.traffic.take({ routerId: 'r1', appId: APP, instances });
  }

  /** One new route a round, those with a share of the requests first: capacity moves over step by step. */
  private async route(): Promise<void> {
    const web = this.world.instances();
    const [router] = this.world.routers();
    const ready = web.filter(({ status }) => status === 'ready');
    const ids = (wanted: readonly string[]) =>
      web.flatMap(({ instanceId, status }) => (wanted.includes(status) ? instanceId : []));
    const weights = routeWeights(ready, this.world.rolloutsOf(APP));
    await this.router({
      type: 'RecordRoutes',
      position: this.world.position,
      routed: ids(['ready'])
        .filter((id) => router?.routes.get(id) !== 'routed')
        .toSorted((a, b) => Number(weights.get(a) === 0) - Number(weights.get(b) === 0))
        .slice(0, 1),
      unrouted: ids(['unready']),
      drained: ids(['retired', 'exited']),
      weights: Object.fromEntries(weights),
    });
  }

  states(): string[] {
    return this.world.instancesOf(APP).map(({ status }) => status);
  }

  running(): string[] {
    return [...this.host.entries.values()].flatMap(({ id, status }) =>
      status === 'running' ? id : [],
    );
  }

  /** No retirement of something that serves leaves less than what is wanted, nor leaves nothing that gets requests. */
  private checkSafety(batch: readonly RecordedCommit[]): void {
    const app = desiredApp(this.world, APP);
    const routers = this.world.routers();
    for (const { commit } of batch) {
      for (const event of commit.events) {
        if (event.type === 'RouteWeightsApplied') this.checkWeights();
        if (event.type !== 'InstanceRetired') continue;
        const { instanceId, reason } = event.data;
        const force = inForce(app);
        if (!this.serving.has(instanceId) || app.status !== 'active' || force === null) continue;
        if (reason === 'lost') continue;
        this.serving.delete(instanceId);
        if (this.stopFirst) continue;
        const wanted = force.wanted['web'] ?? 0;
        if (this.serving.size < wanted) {
          this.broken.push(`${reason}: ${this.serving.size} of ${wanted} serve`);
        }
      }
    }
    this.serving = new Map(
      app.instances
        .filter((instance) => isServing(instance, routers))
        .map((instance) => [instance.instanceId, instance]),
    );
  }

  /** Where something is routed, something gets requests. */
  private checkWeights(): void {
    const routers = this.world.routers();
    const routed = this.world.instancesOf(APP).filter((one) => isRouted(one, routers));
    if (routed.length > 0 && !routed.some((one) => isServing(one, routers))) {
      this.broken.push(`${routed.length} are routed and none gets requests`);
    }
  }
}

/** What is due is done between two rounds, several times where much time has passed. */
class ManualClock {
  private readonly due = new Map<object, { readonly atMs: number; readonly work: () => void }>();
  private passedMs = 0;

  later(atMs: number, work: () => void): () => void {
    const key = {};
    this.due.set(key, { atMs, work });
    return () => this.due.delete(key);
  }

  passed(ms: number): void {
    this.passedMs += ms;
  }

  async run(nowMs: number): Promise<void> {
    const passedMs = this.passedMs;
    this.passedMs = 0;
    for (let i = 0; i < 6; i += 1) {
      const untilMs = nowMs + Math.min(passedMs, i * 1_100);
      const now = [...this.due].filter(([, { atMs }]) => atMs <= untilMs);
      if (now.length === 0) return;
      for (const [key, { work }] of now) {
        this.due.delete(key);
        work();
      }
      for (let turns = 0; turns < 8; turns += 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }
}

/** The engine as a process sees it that may die at any call. */
const mortal = (engine: InMemoryContainerEngine, life: Mortality): ContainerEngine => ({
  facts: () => life.around(() => engine.facts()),
  list: () => life.around(() => engine.list()),
  inspect: (id) => life.around(() => engine.inspect(id)),
  ensureNetwork: (name) => life.around(() => engine.ensureNetwork(name)),
  create: (spec) => life.around(() => engine.create(spec)),
  start: (id) => life.around(() => engine.start(id)),
  stop: (id) => life.around(() => engine.stop(id)),
  exec: (id, command) => life.around(() => engine.exec(id, command)),
  setRestartPolicy: (id, policy) => life.around(() => engine.setRestartPolicy(id, policy)),
  resize: (id, limits) => life.around(() => engine.resize(id, limits)),
  memoryInUse: (id) => life.around(() => engine.memoryInUse(id)),
  volumes: {
    ensure: (spec) => life.around(() => engine.volumes.ensure(spec)),
    list: () => life.around(() => engine.volumes.list()),
    remove: (name) => life.around(() => engine.volumes.remove(name)),
    users: (name) => life.around(() => engine.volumes.users(name)),
    usage: () => life.around(() => engine.volumes.usage()),
  },
  remove: (id) => life.around(() => engine.remove(id)),
  hasImage: (id) => life.around(() => engine.hasImage(id)),
  pull: (digest) => life.around(() => engine.pull(digest)),
  removeNetwork: (name) => life.around(() => engine.removeNetwork(name)),
  lastLines: (id, query) => life.around(() => engine.lastLines(id, query)),
  watch: (watcher, signal) => engine.watch(watcher, signal),
});
