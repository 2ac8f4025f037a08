import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { LABEL } from '@shiplog/engine';
import { extract, pack, type Header } from 'tar-stream';
import { BackupError } from '../backup-error.js';
import { VOLUME_ROOT, type VolumeEngine } from './volume-engine.port.js';

interface Entry {
  readonly header: Partial<Header> & Pick<Header, 'name'>;
  readonly content: Buffer;
}

/** The fake: a volume is its labels and the entries of its archive, by name. */
export class InMemoryVolumeEngine implements VolumeEngine {
  readonly volumes = new Map<
    string,
    { readonly labels: Readonly<Record<string, string>>; readonly entries: Map<string, Entry> }
  >();
  /** Archives that end in the middle from now on: a file that became shorter while it was read. */
  cutOff = 0;

  constructor(private readonly platform: string) {}

  has(volume: string): Promise<boolean> {
    return Promise.resolve(this.isOwn(volume));
  }

  async read(volume: string): Promise<Readable> {
    const { entries } = this.own(volume, 'reading');
    const archive = pack();
    for (const { header, content } of entries.values()) archive.entry(header, content);
    archive.finalize();
    const whole = await buffer(Readable.from(archive));
    if (this.cutOff > 0) {
      this.cutOff -= 1;
      return Readable.from([whole.subarray(0, 512 + 700)]);
    }
    return Readable.from([whole]);
  }

  create(volume: string, labels: Readonly<Record<string, string>>): Promise<void> {
    if (!this.volumes.has(volume)) {
      const header = { name: `${VOLUME_ROOT}/`, type: 'directory', mode: 0o755 } as const;
      const entries = new Map<string, Entry>([[header.name, { header, content: Buffer.alloc(0) }]]);
      this.volumes.set(volume, { labels, entries });
    }
    if (this.isOwn(volume)) return Promise.resolve();
    return Promise.reject(unavailable(`creating volume ${volume}: somebody else's is called so`));
  }

  async write(volume: string, archive: Readable): Promise<void> {
    const { entries } = this.own(volume, 'writing');
    const reading = extract();
    reading.on('entry', (header, stream, next) => {
      void buffer(stream).then((content) => {
        entries.set(header.name, { header, content });
        next();
      }, next);
    });
    try {
      await pipeline(archive, reading);
    } catch (cause) {
      if (cause instanceof BackupError) throw cause;
      throw new BackupError('engine-unavailable', `writing volume ${volume}`, { cause });
    }
  }

  remove(volume: string): Promise<void> {
    if (this.isOwn(volume)) this.volumes.delete(volume);
    return Promise.resolve();
  }

  private own(volume: string, doing: string) {
    const found = this.isOwn(volume) ? this.volumes.get(volume) : undefined;
    if (found === undefined) {
      throw unavailable(`${doing} volume ${volume}: the engine does not have it`);
    }
    return found;
  }

  private isOwn(volume: string): boolean {
    return this.volumes.get(volume)?.labels[LABEL.platform] === this.platform;
  }
}

const unavailable = (what: string): BackupError => new BackupError('engine-unavailable', what);
