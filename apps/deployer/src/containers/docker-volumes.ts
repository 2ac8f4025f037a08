import type Docker from 'dockerode';
import { LABEL, engineStatus, ownedBy } from '@shiplog/engine';
import { EngineError, volumeMissing, type ContainerSpec } from './container-engine.port.js';
import { toEngineError } from './docker-translate.js';
import { giveToImageUser } from './docker-volume-owner.js';
import type { VolumeSpec, VolumeStore } from './volume-store.js';

/** Counting the files of all volumes may take minutes; nothing waits for it. */
const USAGE_MS = 10 * 60_000;

type Labels = Readonly<Record<string, string>> | null | undefined;

/** Volumes of the engine's own driver without options: directories on the disk that it keeps everything on. */
export class DockerVolumes implements VolumeStore {
  constructor(
    private readonly docker: Docker,
    private readonly platform: string,
  ) {}

  async ensure({ name, labels, first }: VolumeSpec): Promise<void> {
    const doing = `creating volume ${name}`;
    try {
      // One of that name that is there is left as it is, whosever it is.
      await this.docker.createVolume({ Name: name, Driver: 'local', Labels: { ...labels } });
      if (this.isOwn(await this.labelsOf(name))) {
        if (first !== undefined) await giveToImageUser(this.docker, this.platform, { name, first });
        return;
      }
    } catch (error) {
      throw toEngineError(doing, error);
    }
    throw new EngineError('name-taken', doing, `somebody else's volume is called ${name}`);
  }

  async list(): Promise<readonly string[]> {
    try {
      const { Volumes: all } = await this.docker.listVolumes({ filters: ownedBy(this.platform) });
      // The engine says null for none.
      return ((all as typeof all | null) ?? []).map(({ Name }) => Name);
    } catch (error) {
      throw toEngineError('listing volumes', error);
    }
  }

  async remove(name: string): Promise<void> {
    const doing = `removing volume ${name}`;
    try {
      if (!this.isOwn(await this.labelsOf(name))) return;
      if (await this.isRemoved(name)) return;
      await this.removeStopped(name);
      if (await this.isRemoved(name)) return;
    } catch (error) {
      throw toEngineError(doing, error);
    }
    throw new EngineError('volume-in-use', doing, `a container has the volume ${name}`);
  }

  async users(name: string): Promise<readonly string[]> {
    const filters = { volume: [name], status: ['running', 'paused'], ...ownedBy(this.platform) };
    try {
      return (await this.docker.listContainers({ filters })).map(({ Id }) => Id);
    } catch (error) {
      throw toEngineError(`looking who has volume ${name}`, error);
    }
  }

  async usage(): Promise<ReadonlyMap<string, number>> {
    try {
      const { Volumes: all } = await this.systemUsage();
      return new Map(
        (all ?? []).flatMap(({ Name, Labels, UsageData }) => {
          const bytes = UsageData?.Size ?? -1;
          return bytes >= 0 && this.isOwn(Labels) ? [[Name, bytes] as const] : [];
        }),
      );
    } catch (error) {
      throw toEngineError('measuring volumes', error);
    }
  }

  /**
   * The engine makes an empty volume by itself where one is missing: neither before a container is created, nor
   * in that moment. Then the container goes again, before it ran.
   */
  async verify(
    { name, mounts = [] }: Pick<ContainerSpec, 'name' | 'mounts'>,
    removeContainer?: () => Promise<void>,
  ): Promise<void> {
    const doing = `creating container ${name}`;
    try {
      for (const { volume } of mounts) {
        if (this.isOwn(await this.labelsOf(volume))) continue;
        await removeContainer?.();
        throw volumeMissing(volume, doing);
      }
    } catch (error) {
      throw toEngineError(doing, error);
    }
  }

  private isOwn(labels: Labels): boolean {
    return labels?.[LABEL.platform] === this.platform;
  }

  /** Undefined where there is no such volume. */
  private async labelsOf(name: string): Promise<Labels> {
    try {
      return (await this.docker.getVolume(name).inspect()).Labels ?? {};
    } catch (error) {
      if (engineStatus(error) === 404) return undefined;
      throw error;
    }
  }

  /** False while a container has it. */
  private async isRemoved(name: string): Promise<boolean> {
    try {
      await this.docker.getVolume(name).remove();
      return true;
    } catch (error) {
      if (engineStatus(error) === 404) return true;
      if (engineStatus(error) === 409) return false;
      throw error;
    }
  }

  /** Containers of instances that ended are kept for their logs; what they wrote goes with the volume. */
  private async removeStopped(name: string): Promise<void> {
    const filters = { volume: [name], ...ownedBy(this.platform) };
    for (const { Id, State } of await this.docker.listContainers({ all: true, filters })) {
      if (!['created', 'exited', 'dead'].includes(State)) continue;
      // Never by force: one that was started in between stays.
      await this.docker
        .getContainer(Id)
        .remove({ v: true })
        .catch((error: unknown) => {
          if (![404, 409].includes(engineStatus(error) ?? 0)) throw error;
        });
    }
  }

  /** From API 1.42 on volumes alone are counted; older engines count images and containers, too. */
  private systemUsage(): Promise<{ Volumes: readonly UsedVolume[] | null }> {
    const { modem } = this.docker as unknown as { modem: Dialler };
    return new Promise((resolve, reject) => {
      modem.dial(
        {
          path: '/system/df?type=volume',
          method: 'GET',
          abortSignal: AbortSignal.timeout(USAGE_MS),
          statusCodes: { 200: true, 500: 'server error' },
        },
        (error, data) => {
          if (error === null) resolve(data as { Volumes: readonly UsedVolume[] | null });
          else reject(error);
        },
      );
    });
  }
}

interface UsedVolume {
  readonly Name: string;
  readonly Labels: Labels;
  readonly UsageData?: { readonly Size: number } | null;
}

/** dockerode's own `df` takes no `type`. */
interface Dialler {
  dial(options: object, done: (error: Error | null, data: unknown) => void): void;
}
