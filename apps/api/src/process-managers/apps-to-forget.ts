import type { World } from '@shiplog/domain';

/**
 * Destroyed apps of which something may still be kept outside the log. At the start the ones that are kept,
 * not all that there ever were; afterwards each that is destroyed.
 */
export class AppsToForget {
  private readonly waiting = new Set<string>();
  private seen = 0;
  private hasLooked = false;

  constructor(
    private readonly world: World,
    private readonly keptApps: () => Promise<readonly string[]>,
  ) {}

  async find(): Promise<readonly string[]> {
    const { destroyedApps } = this.world;
    if (!this.hasLooked) {
      // Before it is looked: one that is destroyed meanwhile is taken for one that is kept.
      this.seen = destroyedApps.count;
      for (const appId of await this.keptApps())
        if (destroyedApps.has(appId)) this.waiting.add(appId);
      this.hasLooked = true;
    }
    for (const appId of destroyedApps.after(this.seen)) this.waiting.add(appId);
    this.seen = destroyedApps.count;
    return [...this.waiting];
  }

  done(appId: string): void {
    this.waiting.delete(appId);
  }
}
