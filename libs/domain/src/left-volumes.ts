import type { DomainEventUnion } from '@shiplog/events';
import type { ActiveApp } from './app/index.js';
import type { KnownVolume } from './app/volumes.js';

/** A volume that no app declares any more. */
export interface LeftVolume extends Omit<KnownVolume, 'processes' | 'shared' | 'backup'> {
  readonly appId: string;
  /** What the app was called, or is. */
  readonly appName: string;
  readonly teamId: string;
  /** Its content is in no backup. */
  readonly isExcluded?: boolean;
  /** Somebody wants its data deleted; otherwise it is kept. */
  readonly isRemoved: boolean;
}

/** Volumes that destroyed apps left behind, and those that are to be deleted, until the log says that they are. */
export class LeftVolumes {
  private byId = new Map<string, LeftVolume>();

  get(volumeId: string): LeftVolume | undefined {
    return this.byId.get(volumeId);
  }

  all(): readonly LeftVolume[] {
    return [...this.byId.values()];
  }

  /** `app`: as it was before; `wasMade`: did the engine ever have the volume? */
  apply(
    event: DomainEventUnion,
    app: ActiveApp | undefined,
    wasMade: (volumeId: string) => boolean,
  ): void {
    switch (event.type) {
      case 'VolumeRemoved':
        return this.leave(app, event.data.name, () => true);
      case 'AppDestroyed':
        for (const { name, volumeId } of Object.values(app?.volumes ?? {})) {
          // Nothing is in what was never made.
          if (!this.byId.has(volumeId)) this.leave(app, name, (id) => !wasMade(id));
        }
        return;
      case 'KeptVolumeRemoved': {
        const left = this.byId.get(event.data.volumeId);
        if (left !== undefined) this.byId.set(left.volumeId, { ...left, isRemoved: true });
        return;
      }
      case 'VolumeDeleted':
        this.byId.delete(event.data.volumeId);
        return;
      default:
        return;
    }
  }

  private leave(
    app: ActiveApp | undefined,
    name: string,
    isRemoved: (volumeId: string) => boolean,
  ): void {
    const volume = app?.volumes[name];
    if (app === undefined || volume === undefined) return;
    const { volumeId, path, sizeBytes, incarnation, backup } = volume;
    this.byId.set(volumeId, {
      ...{ volumeId, name, path, sizeBytes, incarnation },
      ...{ appId: app.appId, appName: app.name, teamId: app.teamId },
      ...(backup?.excluded === true ? { isExcluded: true } : {}),
      isRemoved: isRemoved(volumeId),
    });
  }

  snapshot(): readonly LeftVolume[] {
    return this.all();
  }

  restore(state: readonly LeftVolume[]): void {
    this.byId = new Map(state.map((one) => [one.volumeId, one]));
  }
}
