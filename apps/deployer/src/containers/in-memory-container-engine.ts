import { setImmediate } from 'node:timers/promises';
import { LABEL } from '@shiplog/engine';
import {
  EngineError,
  type Container,
  type ContainerEngine,
  type ContainerSpec,
  type EngineNotice,
  type EngineWatcher,
  type LogLine,
  type LogQuery,
  type RestartPolicy,
} from './container-engine.port.js';

export type Entry = { -readonly [K in keyof Container]: Container[K] } & {
  readonly spec: ContainerSpec;
  readonly lines: LogLine[];
};

/**
 * What the programs of the fake do, by the first word of their command: `serve` runs until it is
 * stopped, `exit N` ends at once with N, `print TEXT` says something and runs on.
 */
export const PROGRAMS = {
  serve: ['serve'],
  exit: (code: number) => ['exit', String(code)],
  print: (text: string) => ['print', text],
} as const;

/** One engine, shared by several platforms as in reality. */
export class InMemoryHost {
  readonly entries = new Map<string, Entry>();
  readonly images = new Set<string>();
  readonly watchers = new Set<{ platform: string; notice: (notice: EngineNotice) => void }>();
  /** Image ids by digest: what can be pulled. */
  readonly registry = new Map<string, string>();
  /** A pull takes until this resolves. */
  pulling: Promise<void> = Promise.resolve();
  /** Platform by name. */
  readonly networks = new Map<string, string>();
  /** Calls answer `engine-unreachable` while set. */
  isDown = false;
  /** So many starts from now on find their port taken by somebody outside. */
  portsTaken = 0;
  /** So many starts from now on find their address taken. */
  addressesTaken = 0;
  /** So many starts from now on are refused, as by a daemon that is ending. */
  startsRefused = 0;
  /** Containers that never start again. */
  readonly broken = new Set<string>();
  /** Containers that are listed and cannot be inspected. */
  readonly damaged = new Set<string>();
  /** Logs cannot be read while set: their files are damaged. */
  isLogDamaged = false;
  /** How often a program was started, by instance id: nothing may start twice at the same time. */
  readonly starts = new Map<string, number>();
  private ids = 0;
  private runs = 0;

  constructor(
    readonly nowMs: () => number = Date.now,
    /** How long an answer takes. */
    readonly turn: () => Promise<void> = () => setImmediate(),
  ) {}

  /** Six digits below the millisecond. */
  nextRun(): string {
    this.runs += 1;
    return this.runs.toString().padStart(6, '0');
  }

  newId(): string {
    this.ids += 1;
    return this.ids.toString(16).padStart(64, '0');
  }
}

/** The honest fake: every call takes a turn, ends are noticed later, and restarts are the engine's own. */
export class InMemoryContainerEngine implements ContainerEngine {
  constructor(
    readonly host: InMemoryHost,
    private readonly platform: string,
  ) {}

  async facts() {
    await this.answer('asking for the version');
    return { name: 'In memory', version: '0', apiVersion: '0' };
  }

  async list() {
    await this.answer('listing containers');
    return this.own()
      .filter(({ instanceId }) => instanceId !== null)
      .map(({ id, instanceId, status }) => ({ id, instanceId, status }));
  }

  async inspect(id: string): Promise<Container | undefined> {
    const doing = `inspecting container ${id}`;
    await this.answer(doing);
    if (this.host.damaged.has(id)) throw new EngineError('engine-refused', doing, 'RWLayer is nil');
    const entry = this.host.entries.get(id);
    if (entry === undefined) return undefined;
    const { spec: _, lines: __, ...container } = entry;
    return container;
  }

  async ensureNetwork(name: string) {
    await this.answer(`creating network ${name}`);
    this.addNetwork(name);
    return { from: '10.176.1.0', to: '10.176.3.253', resolver: '10.176.3.254' };
  }

  async create(spec: ContainerSpec): Promise<string> {
    const doing = `creating container ${spec.name}`;
    await this.answer(doing);
    const same = [...this.host.entries.values()].find(({ name }) => name === spec.name);
    if (same !== undefined) {
      const isOwn = [LABEL.platform, LABEL.instance].every(
        (label) => same.spec.labels[label] === spec.labels[label],
      );
      if (isOwn) return same.id;
      throw new EngineError('name-taken', doing, `the name ${spec.name} is in use`);
    }
    if (!this.host.images.has(spec.imageId)) {
      throw new EngineError('image-missing', doing, `No such image: ${spec.imageId}`);
    }
    this.addNetwork(spec.network);
    const id = this.host.newId();
    this.host.entries.set(id, {
      id,
      name: spec.name,
      instanceId: spec.labels[LABEL.instance] ?? null,
      appId: spec.labels[LABEL.app] ?? null,
      status: 'created',
      startedAt: null,
      finishedAt: null,
      exitCode: null,
      oomKilled: false,
      restartCount: 0,
      restartPolicy: 'no',
      pid: null,
      spec,
      lines: [],
    });
    return id;
  }

  async start(id: string): Promise<void> {
    const doing = `starting container ${id}`;
    await this.answer(doing);
    const entry = this.host.entries.get(id);
    if (entry === undefined) throw new EngineError('container-missing', doing, 'No such container');
    if (entry.status === 'running') return;
    if (this.refuses(id)) {
      throw new EngineError('engine-refused', doing, 'failed to update store');
    }
    const { address, network } = entry.spec;
    if (!this.host.networks.has(network)) {
      throw new EngineError('network-missing', doing, `network ${network} not found`);
    }
    const isHeld = [...this.host.entries.values()].some(
      (other) => other.status === 'running' && other.spec.address === address,
    );
    if (address !== null && (isHeld || this.host.addressesTaken > 0)) {
      this.host.addressesTaken = Math.max(0, this.host.addressesTaken - 1);
      throw new EngineError('address-taken', doing, 'Address already in use');
    }
    const port = entry.spec.publish?.hostPort;
    const isTaken = [...this.host.entries.values()].some(
      (other) => other.status === 'running' && other.spec.publish?.hostPort === port,
    );
    if (port !== undefined && (isTaken || this.host.portsTaken > 0)) {
      this.host.portsTaken = Math.max(0, this.host.portsTaken - 1);
      throw new EngineError('port-taken', doing, 'port is already allocated');
    }
    this.launch(entry);
  }

  async stop(id: string): Promise<void> {
    await this.answer(`stopping container ${id}`);
    const entry = this.host.entries.get(id);
    if (entry?.status === 'running') this.ended(entry, 143);
  }

  async setRestartPolicy(id: string, policy: RestartPolicy): Promise<void> {
    await this.answer(`setting the restart policy of container ${id}`);
    const entry = this.host.entries.get(id);
    if (entry !== undefined) entry.restartPolicy = policy;
  }

  async remove(id: string): Promise<void> {
    const doing = `removing container ${id}`;
    await this.answer(doing);
    if (this.host.entries.get(id)?.status === 'running') {
      throw new EngineError('engine-refused', doing, 'it is running');
    }
    this.take(id);
  }

  async hasImage(imageId: string): Promise<boolean> {
    await this.answer('looking for an image');
    return this.host.images.has(imageId);
  }

  async pull(repoDigest: string): Promise<void> {
    await this.answer(`pulling ${repoDigest}`);
    const imageId = this.host.registry.get(repoDigest);
    if (imageId === undefined) {
      throw new EngineError('pull-failed', `pulling ${repoDigest}`, 'there is no registry');
    }
    await this.host.pulling;
    this.host.images.add(imageId);
  }

  async removeNetwork(name: string): Promise<void> {
    await this.answer(`removing network ${name}`);
    if (this.host.networks.get(name) !== this.platform) return;
    const isUsed = [...this.host.entries.values()].some(
      ({ status, spec }) => status === 'running' && spec.network === name,
    );
    if (!isUsed) this.host.networks.delete(name);
  }

  async lastLines(id: string, query: LogQuery): Promise<readonly LogLine[]> {
    const doing = `reading the log of container ${id}`;
    await this.answer(doing);
    if (this.host.isLogDamaged) throw new EngineError('engine-refused', doing, 'unexpected EOF');
    const lines = this.host.entries.get(id)?.lines ?? [];
    return lines
      .filter(({ time }) => time >= (query.since ?? '') && time <= (query.until ?? '~'))
      .slice(-query.lines);
  }

  async watch({ onOpen, onNotice }: EngineWatcher, signal: AbortSignal): Promise<void> {
    await this.answer('watching the engine');
    const watcher = { platform: this.platform, notice: onNotice };
    this.host.watchers.add(watcher);
    onOpen();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve());
    });
    this.host.watchers.delete(watcher);
  }

  /** The program ends by itself, as in a crash: the engine starts it again if its policy says so. */
  crash(id: string, exitCode = 1): void {
    const entry = this.host.entries.get(id);
    if (entry?.status !== 'running') return;
    this.ended(entry, exitCode);
    if (entry.restartPolicy !== 'unless-stopped') return;
    entry.restartCount += 1;
    this.launch(entry);
  }

  /** Somebody removes the container by hand. */
  take(id: string): void {
    const entry = this.host.entries.get(id);
    if (!this.host.entries.delete(id) || entry === undefined) return;
    this.notify({ containerId: id, what: 'changed', exitCode: null });
  }

  private refuses(id: string): boolean {
    if (this.host.broken.has(id)) return true;
    if (this.host.startsRefused === 0) return false;
    this.host.startsRefused -= 1;
    return true;
  }

  private addNetwork(name: string): void {
    if (!this.host.networks.has(name)) this.host.networks.set(name, this.platform);
  }

  protected launch(entry: Entry): void {
    const now = new Date(this.host.nowMs()).toISOString();
    // Two starts in the same millisecond are two runs all the same.
    entry.startedAt = `${now.slice(0, -1)}${this.host.nextRun()}Z`;
    entry.status = 'running';
    entry.exitCode = null;
    const key = entry.instanceId ?? entry.id;
    this.host.starts.set(key, (this.host.starts.get(key) ?? 0) + 1);
    this.notify({ containerId: entry.id, what: 'started', exitCode: null });
    const [program, argument = ''] = entry.spec.command ?? [];
    if (program === 'print') {
      entry.lines.push({ time: entry.startedAt, stream: 'stdout', text: argument });
    }
    if (program === 'exit') this.ended(entry, Number(argument));
  }

  protected ended(entry: Entry, exitCode: number): void {
    entry.status = 'exited';
    entry.exitCode = exitCode;
    entry.finishedAt = new Date(this.host.nowMs()).toISOString();
    this.notify({ containerId: entry.id, what: 'die', exitCode });
  }

  private notify(notice: Omit<EngineNotice, 'atMs'>): void {
    for (const { platform, notice: tell } of this.host.watchers) {
      if (platform === this.platform) tell({ ...notice, atMs: this.host.nowMs() });
    }
  }

  private own(): Entry[] {
    return [...this.host.entries.values()].filter(
      ({ spec }) => spec.labels[LABEL.platform] === this.platform,
    );
  }

  /** Answers come in a later turn, and not at all while the engine is down. */
  private async answer(doing: string): Promise<void> {
    await this.host.turn();
    if (this.host.isDown)
      throw new EngineError('engine-unreachable', doing, 'connect ECONNREFUSED');
  }
}
