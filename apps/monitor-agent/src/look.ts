import type { CgroupPaths } from './cgroups/locate.js';
import type { Sample } from './cgroups/sample.js';
import type { Reading } from './metrics.js';
import type { WatchedContainer } from './watched-containers.js';

/**
 * Takes a sample of every container. One that cannot be read is told of once and left out: figures that
 * are missing harm nobody, an exception in a timer would end every process that runs beside this one.
 */
export class Look {
  private unreadable = new Set<string>();

  constructor(
    private readonly take: (paths: CgroupPaths, atMs: number) => Sample | undefined,
    private readonly onUnreadable: (container: WatchedContainer, error: unknown) => void,
  ) {}

  at(containers: readonly WatchedContainer[], nowMs: number): readonly Reading[] {
    const readings: Reading[] = [];
    const unreadable = new Set<string>();
    for (const container of containers) {
      try {
        const sample = this.take(container.paths, nowMs);
        if (sample !== undefined) readings.push({ container, sample });
      } catch (error) {
        unreadable.add(container.containerId);
        if (!this.unreadable.has(container.containerId)) this.onUnreadable(container, error);
      }
    }
    this.unreadable = unreadable;
    return readings;
  }
}
