import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import { LABEL, engineStatus, ownedBy } from '@shiplog/engine';
import type { CgroupPaths } from './cgroups/locate.js';

export interface WatchedContainer {
  readonly containerId: string;
  readonly instanceId: string;
  readonly appId: string;
  readonly process: string;
  readonly release: string;
  readonly name: string;
  readonly pid: number;
  readonly paths: CgroupPaths;
}

/**
 * The running containers of the platform and where their figures lie. The engine is asked when
 * something started, and for all of them now and then, never for the figures themselves.
 */
export class WatchedContainers {
  private known = new Map<string, WatchedContainer>();
  /** Since the engine was asked: its answer may be older. */
  private readonly ended = new Set<string>();

  constructor(
    private readonly engine: Docker,
    private readonly platform: string,
    private readonly findCgroup: (pid: number) => CgroupPaths,
  ) {}

  all(): readonly WatchedContainer[] {
    return [...this.known.values()];
  }

  /** Its process ended: figures of whoever gets the same PID next must not be taken for its own. */
  forget(containerId: string): void {
    this.known.delete(containerId);
    this.ended.add(containerId);
  }

  /** One that started. */
  async add(containerId: string): Promise<void> {
    this.ended.delete(containerId);
    const container = await this.inspect(containerId);
    if (container?.Config.Labels[LABEL.instance] === undefined) return;
    const { Config, Name, State } = container;
    const found = this.locate(containerId, Config.Labels, Name, State.Running ? State.Pid : 0);
    if (found !== undefined && !this.ended.has(containerId)) this.known.set(containerId, found);
  }

  /** Looks again. The engine is asked about a container once per start of it. */
  async refresh(): Promise<void> {
    this.ended.clear();
    const running = await this.engine.listContainers({ filters: ownedBy(this.platform) });
    const next = new Map<string, WatchedContainer>();
    for (const { Id, Labels, Names } of running) {
      if (Labels[LABEL.instance] === undefined) continue;
      const found =
        this.unchanged(Id) ?? this.locate(Id, Labels, Names[0] ?? Id, await this.pidOf(Id));
      if (found !== undefined) next.set(Id, found);
    }
    for (const id of this.ended) next.delete(id);
    this.known = next;
  }

  /** Whoever has its PID now belongs to the same container: the path of its cgroup names it. */
  private unchanged(containerId: string): WatchedContainer | undefined {
    const known = this.known.get(containerId);
    if (known === undefined) return undefined;
    const now = this.cgroupOf(known.pid);
    return now?.memory === known.paths.memory ? known : undefined;
  }

  private async pidOf(containerId: string): Promise<number> {
    const { Running = false, Pid = 0 } = (await this.inspect(containerId))?.State ?? {};
    return Running ? Pid : 0;
  }

  /** Undefined when it went away meanwhile, or the engine cannot show it: one must not hide the others. */
  private async inspect(containerId: string): Promise<ContainerInspectInfo | undefined> {
    try {
      return await this.engine.getContainer(containerId).inspect();
    } catch (error) {
      if (engineStatus(error) !== undefined) return undefined;
      throw error;
    }
  }

  private locate(
    containerId: string,
    labels: Readonly<Record<string, string>>,
    name: string,
    pid: number,
  ): WatchedContainer | undefined {
    const paths = pid === 0 ? undefined : this.cgroupOf(pid);
    if (paths === undefined) return undefined;
    return {
      containerId,
      instanceId: labels[LABEL.instance] ?? '',
      appId: labels[LABEL.app] ?? '',
      process: labels[LABEL.process] ?? '',
      release: labels[LABEL.release] ?? '',
      name: name.replace(/^\//, ''),
      pid,
      paths,
    };
  }

  /** Undefined when the process ended. */
  private cgroupOf(pid: number): CgroupPaths | undefined {
    try {
      return this.findCgroup(pid);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ESRCH') return undefined;
      throw error;
    }
  }
}
