import type Docker from 'dockerode';
import { LABEL, ownedBy } from '@shiplog/engine';
import { locateCgroup, type CgroupHost, type CgroupPaths } from './cgroups/locate.js';

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
 * something started or stopped, never for the figures themselves.
 */
export class WatchedContainers {
  private known = new Map<string, WatchedContainer>();

  constructor(
    private readonly engine: Docker,
    private readonly platform: string,
    private readonly host: CgroupHost,
  ) {}

  all(): readonly WatchedContainer[] {
    return [...this.known.values()];
  }

  /** Its process ended: figures of whoever gets the same PID next must not be taken for its own. */
  forget(containerId: string): void {
    this.known.delete(containerId);
  }

  /** Looks again. Containers known at the same PID are not asked about a second time. */
  async refresh(): Promise<void> {
    const running = await this.engine.listContainers({ filters: ownedBy(this.platform) });
    const next = new Map<string, WatchedContainer>();
    for (const { Id, Labels, Names } of running) {
      const instanceId = Labels[LABEL.instance];
      if (instanceId === undefined) continue;
      const pid = await this.pidOf(Id);
      const same = this.known.get(Id);
      const found = same?.pid === pid ? same : await this.locate(Id, Labels, Names[0] ?? Id, pid);
      if (found !== undefined) next.set(Id, found);
    }
    this.known = next;
  }

  private async pidOf(containerId: string): Promise<number> {
    try {
      const { State } = await this.engine.getContainer(containerId).inspect();
      return State.Running ? State.Pid : 0;
    } catch {
      // It went away after it was listed; the next look will not list it.
      return 0;
    }
  }

  private async locate(
    containerId: string,
    labels: Readonly<Record<string, string>>,
    name: string,
    pid: number,
  ): Promise<WatchedContainer | undefined> {
    if (pid === 0) return undefined;
    try {
      return {
        containerId,
        instanceId: labels[LABEL.instance] ?? '',
        appId: labels[LABEL.app] ?? '',
        process: labels[LABEL.process] ?? '',
        release: labels[LABEL.release] ?? '',
        name: name.replace(/^\//, ''),
        pid,
        paths: await locateCgroup(this.host, pid),
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}
