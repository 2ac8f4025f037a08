import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { InMemoryBus, InMemoryHub, type Bus } from '@shiplog/bus';
import { worldFold } from '@shiplog/commands';
import { World, type CommandByAggregate, type StateByAggregate } from '@shiplog/domain';
import { connectEngine, ownedBy } from '@shiplog/engine';
import type { Explanation, Source } from '@shiplog/events';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import {
  createLogger,
  pathsOf,
  processContext,
  readConfig,
  type ProcessContext,
  type RunningProcess,
} from '@shiplog/runtime';
import { SourceStore } from '@shiplog/sources';
import { cacheRepository } from '../builds/build-job.js';
import { LeftoverRecord } from '../builds/leftovers.js';
import { startBuilder, type BuilderOptions } from '../index.js';

type AppCommand = CommandByAggregate['app'];
type StateOf<S extends string> = Extract<StateByAggregate['build'], { status: S }>;

/** A builder with a real engine, and everything else in memory. */
export class TestBuilder {
  private running: RunningProcess | undefined;
  private count = 0;
  private readonly heard = new Map<string, string>();

  private constructor(
    readonly context: ProcessContext,
    readonly listener: Bus,
    private readonly options: BuilderOptions,
  ) {}

  static async start(
    platform: string,
    options: BuilderOptions = {},
    env: NodeJS.ProcessEnv = {},
  ): Promise<TestBuilder> {
    const home = await mkdtemp(join(tmpdir(), `${platform}-`));
    const log = new InMemoryEventLog();
    const world = new World();
    const feed = new LogFeed(log).add(worldFold(world, 'test'));
    await feed.start();
    const hub = new InMemoryHub();
    const context = processContext({
      process: 'builder',
      config: readConfig({ ...env, SHIPLOG_HOME: home, SHIPLOG_PLATFORM: platform }),
      log,
      feed,
      world,
      bus: new InMemoryBus(hub, 'builder'),
      logger: createLogger(process.env['SHIPLOG_LOG_LEVEL'] ?? 'fatal'),
    });
    const builder = new TestBuilder(context, new InMemoryBus(hub, 'api'), options);
    builder.listener.listen('builder', 'output.>', (data, topic) => {
      const buildId = topic.split('.').at(-1) ?? '';
      const { lines } = data as { lines: { text: string }[] };
      const before = builder.heard.get(buildId) ?? '';
      builder.heard.set(buildId, before + lines.map(({ text }) => `${text}\n`).join(''));
    });
    await builder.resume();
    return builder;
  }

  readonly engine = connectEngine();

  get world(): World {
    return this.context.world;
  }

  async resume(): Promise<void> {
    this.running = await startBuilder(this.context, this.options);
  }

  /** As if the process had been stopped. */
  async pause(): Promise<void> {
    await this.running?.stop();
  }

  async createApp(appId: string): Promise<void> {
    await this.handle(appId, { type: 'CreateApp', appId, name: appId, teamId: 't1' });
  }

  async requestSource(appId: string, archive: Readable): Promise<string> {
    const store = new SourceStore(pathsOf(this.context.config.home).sources);
    const { digest } = await store.put(archive);
    return this.request(appId, {
      kind: 'archive',
      digest,
      via: 'upload',
      commit: null,
      branch: null,
    });
  }

  async request(appId: string, source: Source): Promise<string> {
    this.count += 1;
    const buildId = `${appId}-b${this.count}`;
    await this.handle(appId, { type: 'RequestBuild', buildId, source });
    return buildId;
  }

  async handle(appId: string, command: AppCommand): Promise<void> {
    const { commands, actor, feed } = this.context;
    const result = await commands.handle('app', appId, command, { actor });
    if (result.outcome !== 'accepted') throw new Error(JSON.stringify(result));
    await feed.catchUp();
  }

  async release(
    appId: string,
    buildId: string,
    { image, processes }: Pick<StateOf<'succeeded'>, 'image' | 'processes'>,
  ): Promise<void> {
    await this.handle(appId, {
      type: 'CreateRelease',
      image,
      buildId,
      processes,
      cause: 'build',
      liveVersion: null,
    });
  }

  state(buildId: string): string {
    return this.world.get('build', buildId).state.status;
  }

  /** Whether a line of its output, as it was told at once, looks like this. */
  hasHeard(buildId: string, pattern: RegExp): boolean {
    return pattern.test(this.heard.get(buildId) ?? '');
  }

  /** Containers in which steps of a running build run. */
  async stepContainers(buildId: string): Promise<readonly string[]> {
    return LeftoverRecord.of(pathsOf(this.context.config.home).builds, buildId).read();
  }

  /** Those of the containers that the engine still has. */
  async stillThere(ids: readonly string[]): Promise<readonly string[]> {
    const all = await this.engine.listContainers({ all: true });
    return ids.filter((id) => all.some(({ Id }) => Id.startsWith(id)));
  }

  /** Cached layers of an app that have a name. */
  async caches(appId: string): Promise<readonly { name: string; id: string }[]> {
    const prefix = `${cacheRepository(this.context.config.platform, appId)}:`;
    const images = await this.engine.listImages();
    return images.flatMap(({ Id, RepoTags }) =>
      (RepoTags ?? []).flatMap((name) => (name.startsWith(prefix) ? [{ name, id: Id }] : [])),
    );
  }

  /** Waits for the world to be in a state: looked at after each batch of the log. */
  until<T>(what: string, look: () => T | undefined, timeoutMs = 120_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (then: () => void): void => {
        clearTimeout(timer);
        clearInterval(interval);
        unlisten();
        then();
      };
      const check = (): void => {
        const found = look();
        if (found !== undefined) end(() => resolve(found));
      };
      const timer = setTimeout(
        () => end(() => reject(new Error(`${what} did not come true in ${timeoutMs} ms`))),
        timeoutMs,
      );
      const interval = setInterval(check, 50);
      const unlisten = this.context.feed.onBatch(check);
    });
  }

  /** The build's end, whatever it is. */
  ended(
    buildId: string,
    timeoutMs?: number,
  ): Promise<StateOf<'succeeded' | 'failed' | 'cancelled'>> {
    return this.until(
      `the end of build ${buildId}`,
      () => {
        const { state } = this.world.get('build', buildId);
        return state.status === 'none' || state.status === 'running' ? undefined : state;
      },
      timeoutMs,
    );
  }

  async succeeded(buildId: string, timeoutMs?: number): Promise<StateOf<'succeeded'>> {
    const state = await this.ended(buildId, timeoutMs);
    if (state.status !== 'succeeded') {
      throw new Error(`build ${state.status}: ${JSON.stringify(state, null, 1)}`);
    }
    return state;
  }

  async failed(buildId: string, timeoutMs?: number): Promise<Explanation> {
    const state = await this.ended(buildId, timeoutMs);
    if (state.status !== 'failed') throw new Error(`build ${state.status}`);
    return state.explanation;
  }

  async output(buildId: string): Promise<string> {
    const lines: string[] = [];
    for (let after = 0; ; after = lines.length) {
      const answer = (await this.listener.request('builder', 'output', { buildId, after })) as {
        lines: { n: number; text: string }[];
      };
      if (answer.lines.length === 0) return lines.join('\n');
      lines.push(...answer.lines.map(({ text }) => text));
    }
  }

  /** Runs a command in an image and answers what it printed. */
  async runIn(image: string, command: readonly string[]): Promise<string> {
    const container = await this.engine.createContainer({
      Image: image,
      Cmd: [...command],
      Tty: true,
      Labels: { 'shiplog.platform': this.context.config.platform },
    });
    try {
      await container.start();
      await container.wait();
      // dockerode takes output that looks like JSON for JSON.
      const logs: unknown = await container.logs({ stdout: true, stderr: true });
      return (Buffer.isBuffer(logs) ? logs.toString('utf8') : JSON.stringify(logs))
        .replaceAll('\r\n', '\n')
        .trim();
    } finally {
      await container.remove({ force: true });
    }
  }

  /** Stops one that made nothing in an engine. */
  async stop(): Promise<void> {
    await this.pause();
    await rm(this.context.config.home, { recursive: true, force: true });
  }

  /** Stops it and removes everything that this platform made in the engine. */
  async destroy(): Promise<void> {
    await this.pause();
    const { platform } = this.context.config;
    const filters = ownedBy(platform);
    for (const { Id } of await this.engine.listContainers({ all: true, filters })) {
      await this.engine.getContainer(Id).remove({ force: true });
    }
    const tags = (await this.engine.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []);
    for (const tag of tags.filter((name) => name.startsWith(`${platform}/`))) {
      await this.engine.getImage(tag).remove({ force: true });
    }
    await rm(this.context.config.home, { recursive: true, force: true });
  }
}
