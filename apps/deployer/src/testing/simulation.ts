import { InMemoryBus, InMemoryHub } from '@shiplog/bus';
import { CommandHandler, worldFold } from '@shiplog/commands';
import { World, type KnownInstance } from '@shiplog/domain';
import type { Image, RecordedCommit } from '@shiplog/events';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import { createLogger, processContext, readConfig } from '@shiplog/runtime';
import type { ContainerEngine } from '../containers/container-engine.port.js';
import { desiredApp } from '../containers/desired.js';
import { InMemoryContainerEngine, InMemoryHost } from '../containers/in-memory-container-engine.js';
import { Reconciliation } from '../containers/reconcile.js';
import { inForce, isServing } from '../containers/serving.js';
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
  /** Finding out how an instance is reached takes until this resolves. */
  reachFound: Promise<void> = Promise.resolve();
  /** Runs that were asked whether they are ready, by start time. */
  readonly asked: (string | null)[] = [];
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

  static async create(): Promise<Simulation> {
    const simulation = new Simulation();
    simulation.host.images.add(image.id);
    await simulation.feed.start();
    simulation.feed.onBatch((batch) => simulation.checkSafety(batch));
    await simulation.app({ type: 'CreateApp', appId: APP, name: APP, teamId: 't1' });
    await simulation.router({ type: 'StartRouter', routerId: 'r1', kind: 'haproxy' });
    simulation.boot();
    return simulation;
  }

  app(command: Parameters<CommandHandler['handle']>[2] & { type: string }): Promise<unknown> {
    return this.commands.handle('app', APP, command as never, { actor: user });
  }

  private router(command: object): Promise<unknown> {
    return this.commands.handle('router', 'r1', command as never, { actor: user });
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

  /** One new route a round: capacity moves over step by step. */
  private async route(): Promise<void> {
    const web = this.world.instances();
    const [router] = this.world.routers();
    const ids = (wanted: readonly string[]) =>
      web.flatMap(({ instanceId, status }) => (wanted.includes(status) ? instanceId : []));
    await this.router({
      type: 'RecordRoutes',
      position: this.world.position,
      routed: ids(['ready'])
        .filter((id) => router?.routes.get(id) !== 'routed')
        .slice(0, 1),
      unrouted: [],
      drained: ids(['retired', 'exited']),
    });
  }

  running(): string[] {
    return [...this.host.entries.values()].flatMap(({ id, status }) =>
      status === 'running' ? id : [],
    );
  }

  /** No retirement of something that serves leaves less than what is wanted. */
  private checkSafety(batch: readonly RecordedCommit[]): void {
    const app = desiredApp(this.world, APP);
    const routers = this.world.routers();
    for (const { commit } of batch) {
      for (const event of commit.events) {
        if (event.type !== 'InstanceRetired') continue;
        const { instanceId, reason } = event.data;
        const force = inForce(app);
        if (!this.serving.has(instanceId) || app.status !== 'active' || force === null) continue;
        if (reason === 'lost') continue;
        this.serving.delete(instanceId);
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
  setRestartPolicy: (id, policy) => life.around(() => engine.setRestartPolicy(id, policy)),
  remove: (id) => life.around(() => engine.remove(id)),
  hasImage: (id) => life.around(() => engine.hasImage(id)),
  pull: (digest) => life.around(() => engine.pull(digest)),
  removeNetwork: (name) => life.around(() => engine.removeNetwork(name)),
  lastLines: (id, query) => life.around(() => engine.lastLines(id, query)),
  watch: (watcher, signal) => engine.watch(watcher, signal),
});
