import { isSameLimits, limitsOf } from './app/resources.js';
import type { ActiveApp } from './app/index.js';
import type { KnownInstance } from './instance/index.js';

/** Which instances were made before their limits changed, until the log says that they have the new ones. */
export class Resizes {
  private open = new Set<string>();

  isOpen(instanceId: string): boolean {
    return this.open.has(instanceId);
  }

  changed(before: ActiveApp, after: ActiveApp, instances: () => readonly KnownInstance[]): void {
    if (before.settings === after.settings && before.ownLimits === after.ownLimits) return;
    for (const { instanceId, process } of instances()) {
      if (!isSameLimits(limitsOf(before, process), limitsOf(after, process))) {
        this.open.add(instanceId);
      }
    }
  }

  done(instanceId: string): void {
    this.open.delete(instanceId);
  }

  snapshot(): readonly string[] {
    return [...this.open];
  }

  restore(open: readonly string[]): void {
    this.open = new Set(open);
  }
}
