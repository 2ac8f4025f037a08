import { LABEL } from '@shiplog/engine';
import type { Limits } from '@shiplog/events';
import {
  EngineError,
  volumeMissing,
  type Container,
  type ContainerEngine,
  type ContainerSpec,
  type EngineNotice,
  type EngineWatcher,
  type ExecResult,
  type LogLine,
  type LogQuery,
  type RestartPolicy,
} from './container-engine.port.js';
import type { Entry, InMemoryHost } from './in-memory-host.js';
import { InMemoryVolumes } from './in-memory-volumes.js';

export { InMemoryHost, PROGRAMS, type Entry } from './in-memory-host.js';

/** The honest fake: every call takes a turn, ends are noticed later, and restarts are the engine's own. */
export class InMemoryContainerEngine implements ContainerEngine {
  readonly volumes: InMemoryVolumes;

  constructor(
    readonly host: InMemoryHost,
    private readonly platform: string,
  ) {
    this.volumes = new InMemoryVolumes(host, platform, (doing) => this.answer(doing));
  }

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
    const { spec: _, lines: __, memoryInUse: ___, ...container } = entry;
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
    const missing = this.volumes.missingOf(spec.mounts ?? []);
    if (missing !== undefined) throw volumeMissing(missing, doing);
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
      limits: spec.limits,
      memoryInUse: 0,
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
    if (entry?.status !== 'running' && entry?.status !== 'paused') return;
    const isDeaf = entry.spec.command?.[0] === 'deaf';
    this.signal(entry, 'SIGTERM');
    if (isDeaf) this.signal(entry, 'SIGKILL');
    this.ended(entry, isDeaf ? 137 : 143);
  }

  /** Programs of the fake inside a container: `exit N`, `print TEXT`; `serve` never ends. */
  async exec(id: string, [program, argument = '']: readonly string[]): Promise<ExecResult> {
    const doing = `running a command in container ${id}`;
    await this.answer(doing);
    const entry = this.host.entries.get(id);
    if (entry === undefined) throw new EngineError('container-missing', doing, 'No such container');
    if (entry.status !== 'running') {
      throw new EngineError('engine-refused', doing, `container ${id} is not running`);
    }
    switch (program) {
      case 'exit':
        return { exitCode: Number(argument), output: '', tail: '' };
      case 'print':
        return { exitCode: 0, output: argument, tail: argument };
      case 'serve':
        return { exitCode: null, output: '', tail: '' };
      default:
        throw new EngineError('no-such-executable', doing, `exec: "${program}": not found`);
    }
  }

  async setRestartPolicy(id: string, policy: RestartPolicy): Promise<void> {
    await this.answer(`setting the restart policy of container ${id}`);
    const entry = this.host.entries.get(id);
    if (entry !== undefined) entry.restartPolicy = policy;
  }

  async resize(id: string, limits: Limits): Promise<void> {
    const doing = `changing the limits of container ${id}`;
    await this.answer(doing);
    const entry = this.host.entries.get(id);
    if (entry === undefined) return;
    if (this.host.isResizeRefused) {
      throw new EngineError('engine-refused', doing, 'device or resource busy');
    }
    entry.limits = limits;
    this.notify({ containerId: id, what: 'changed', exitCode: null });
  }

  async memoryInUse(id: string): Promise<number | null> {
    await this.answer(`asking for the memory of container ${id}`);
    return this.host.entries.get(id)?.memoryInUse ?? null;
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

  /** Somebody freezes the container by hand, and lets it go on. */
  pause(id: string): void {
    this.change(id, 'running', 'paused');
  }
  unpause(id: string): void {
    this.change(id, 'paused', 'running');
  }
  private change(id: string, from: Container['status'], to: Container['status']): void {
    const entry = this.host.entries.get(id);
    if (entry?.status !== from) return;
    entry.status = to;
    this.notify({ containerId: id, what: 'changed', exitCode: null });
  }

  /** Somebody changes its limits by hand. */
  drift(id: string, changes: Partial<Limits>): void {
    const entry = this.host.entries.get(id);
    if (entry?.limits == null) return;
    entry.limits = { ...entry.limits, ...changes };
    this.notify({ containerId: id, what: 'changed', exitCode: null });
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
    this.host.onLaunch();
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

  private signal(entry: Entry, signal: string): void {
    this.notify({ containerId: entry.id, what: 'signalled', exitCode: null, signal });
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
