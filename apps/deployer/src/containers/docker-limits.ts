import type Docker from 'dockerode';
import { engineStatus } from '@shiplog/engine';
import type { Limits } from '@shiplog/events';
import { EngineError, type ContainerSpec } from './container-engine.port.js';
import {
  isDefaultIoWeight,
  limitsDisk,
  toEngineIoWeight,
  toEngineLimits,
  toLimits,
} from './docker-resources.js';
import { toEngineError } from './docker-translate.js';
import { diskUnder } from './engine-disk.js';

const NO_WEIGHT = 'this kernel cannot weigh disk I/O (it needs io.weight, or BFQ under cgroup v1)';

/** Limits as this engine and its kernel can enforce them, and plain words where they cannot. */
export class DockerLimits {
  private disk: Promise<string> | undefined;

  constructor(
    private readonly docker: Docker,
    private readonly findDisk: (directory: string) => Promise<string> = diskUnder,
  ) {}

  /** The disk to limit; null where nothing of it is limited. */
  async diskFor({ name, surroundings }: ContainerSpec): Promise<string | null> {
    if (!limitsDisk(surroundings)) return null;
    const doing = `creating container ${name}`;
    const { DockerRootDir: directory } = await this.info(doing);
    try {
      this.disk ??= this.findDisk(directory);
      return await this.disk;
    } catch (error) {
      this.disk = undefined;
      const why = error instanceof Error ? error.message : String(error);
      const said = `bytes and operations a second cannot be limited here: the disk under ${directory} was not found: ${why}`;
      throw new EngineError('unsupported', doing, said, { cause: error });
    }
  }

  /** The engine drops a weight that its kernel does not know, with a warning that its client drops. */
  async verifyCreated(id: string, { name, limits }: ContainerSpec): Promise<void> {
    if (isDefaultIoWeight(limits)) return;
    const container = this.docker.getContainer(id);
    const { HostConfig: host } = await container.inspect();
    if (toLimits(host).ioWeight === limits.ioWeight) return;
    await container.remove();
    throw new EngineError('unsupported', `creating container ${name}`, NO_WEIGHT);
  }

  /** Which runtimes there are belongs to the refusal of one that is not there. */
  async explain({ name, surroundings }: ContainerSpec, error: EngineError): Promise<EngineError> {
    const { runtime } = surroundings;
    if (runtime === null || !/runtime/i.test(error.said)) return error;
    const doing = `creating container ${name}`;
    const { Runtimes: known = {} } = (await this.info(doing)) as { Runtimes?: object };
    if (Object.hasOwn(known, runtime)) return error;
    const names = Object.keys(known).toSorted().join(', ');
    const said = `the engine knows no container runtime "${runtime}"; it knows ${names}`;
    return new EngineError('unsupported', doing, said, { cause: error });
  }

  async resize(id: string, limits: Limits): Promise<void> {
    const doing = `changing the limits of container ${id}`;
    try {
      const wanted = { ...toEngineLimits(limits), ...toEngineIoWeight(limits) };
      const answer = (await this.docker.getContainer(id).update(wanted)) as {
        Warnings?: readonly string[] | null;
      };
      const isUnweighed = answer.Warnings?.some((warning) => /weight/i.test(warning)) ?? false;
      if (isUnweighed && !isDefaultIoWeight(limits)) {
        throw new EngineError('unsupported', doing, NO_WEIGHT);
      }
    } catch (error) {
      if (engineStatus(error) === 404) return;
      throw toEngineError(doing, error);
    }
  }

  /** Without what the kernel would give back first, as `docker stats` counts. */
  async memoryInUse(id: string): Promise<number | null> {
    try {
      const { memory_stats: memory } = (await this.docker
        .getContainer(id)
        .stats({ stream: false, 'one-shot': true })) as { memory_stats: MemoryStats };
      const { usage, stats = {} } = memory;
      if (usage === undefined) return null;
      return Math.max(0, usage - (stats.total_inactive_file ?? stats.inactive_file ?? 0));
    } catch (error) {
      if (engineStatus(error) === 404) return null;
      throw toEngineError(`asking for the memory of container ${id}`, error);
    }
  }

  private async info(doing: string): Promise<{ DockerRootDir: string }> {
    try {
      return (await this.docker.info()) as { DockerRootDir: string };
    } catch (error) {
      throw toEngineError(doing, error);
    }
  }
}

interface MemoryStats {
  readonly usage?: number;
  readonly stats?: { readonly inactive_file?: number; readonly total_inactive_file?: number };
}
