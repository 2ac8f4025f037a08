import { LABEL } from '@shiplog/engine';
import { EngineError } from './container-engine.port.js';
import type { InMemoryHost } from './in-memory-host.js';
import type { Mount, VolumeSpec, VolumeStore } from './volume-store.js';

/** Volumes of the fake: a name, labels, and how much is in them. */
export class InMemoryVolumes implements VolumeStore {
  constructor(
    private readonly host: InMemoryHost,
    private readonly platform: string,
    private readonly answer: (doing: string) => Promise<void>,
  ) {}

  async ensure({ name, labels, first }: VolumeSpec): Promise<void> {
    const doing = `creating volume ${name}`;
    await this.answer(doing);
    if (!this.host.volumes.has(name)) this.host.volumes.set(name, { labels, bytes: 0 });
    if (this.isOwn(name)) {
      if (first === undefined || this.host.images.has(first.imageId)) return;
      throw new EngineError('image-missing', doing, `no such image: ${first.imageId}`);
    }
    throw new EngineError('name-taken', doing, `somebody else's volume is called ${name}`);
  }

  async list(): Promise<readonly string[]> {
    await this.answer('listing volumes');
    return [...this.host.volumes.keys()].filter((name) => this.isOwn(name));
  }

  async remove(name: string): Promise<void> {
    const doing = `removing volume ${name}`;
    await this.answer(doing);
    if (!this.isOwn(name)) return;
    const users = this.having(name);
    if (users.some(({ status }) => !STILL.has(status))) {
      throw new EngineError('volume-in-use', doing, `a container has the volume ${name}`);
    }
    for (const { id } of users) this.host.entries.delete(id);
    this.host.volumes.delete(name);
  }

  async users(name: string): Promise<readonly string[]> {
    await this.answer(`looking who has volume ${name}`);
    if (!this.isOwn(name)) return [];
    return this.having(name).flatMap(({ id, status }) => (RUNS.has(status) ? id : []));
  }

  async usage(): Promise<ReadonlyMap<string, number>> {
    await this.answer('measuring volumes');
    return new Map(
      [...this.host.volumes].flatMap(([name, { bytes }]) =>
        this.isOwn(name) ? [[name, bytes] as const] : [],
      ),
    );
  }

  missingOf(mounts: readonly Mount[]): string | undefined {
    return mounts.find(({ volume }) => !this.isOwn(volume))?.volume;
  }

  private having(name: string) {
    return [...this.host.entries.values()].filter(({ spec }) =>
      spec.mounts?.some(({ volume }) => volume === name),
    );
  }

  private isOwn(name: string): boolean {
    return this.host.volumes.get(name)?.labels[LABEL.platform] === this.platform;
  }
}

const RUNS: ReadonlySet<string> = new Set(['running', 'paused']);
const STILL: ReadonlySet<string> = new Set(['created', 'exited', 'dead']);
