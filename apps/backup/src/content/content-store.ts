import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { BackupError } from '../backup-error.js';
import type { BackupTarget } from '../target/backup-target.port.js';
import type { ObjectRef } from './manifest.js';

/** Layers are large and mostly programs: more effort costs seconds and saves little. */
const COMPRESSION_LEVEL = 3;

export const objectName = (object: string): string => `objects/${object.slice(0, 2)}/${object}`;

/** Removes what a run that was cut off left on this machine. */
export const clearStaging = async (staging: string): Promise<void> => {
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true, mode: 0o700 });
};

/**
 * Content by what it is, at a target. An object is the compressed content, named by the SHA-256 of its own
 * bytes: who flips one of them is found without anything else, and equal content is stored once.
 */
export class ContentStore {
  /** By SHA-256 of the content: what is there, whole. */
  private readonly known = new Map<string, ObjectRef>();
  private readonly used = new Map<string, ObjectRef>();
  addedBytes = 0;

  private constructor(
    private readonly target: BackupTarget,
    private readonly staging: string,
    private readonly present: Map<string, number>,
  ) {}

  /**
   * `candidates`: what manifests say is there. It counts only where the target lists it with its size: an
   * object that somebody removed is stored again and not believed in. `damaged`: objects that do not hold
   * what they were written with; each is written over when its content comes along.
   */
  static async open(
    target: BackupTarget,
    staging: string,
    candidates: readonly ObjectRef[],
    damaged: ReadonlySet<string> = new Set(),
  ): Promise<ContentStore> {
    const listed = await target.list('objects/');
    const present = new Map(listed.map(({ name, bytes }) => [name, bytes]));
    for (const object of damaged) present.delete(objectName(object));
    const store = new ContentStore(target, staging, present);
    for (const ref of candidates) {
      if (present.get(objectName(ref.object)) === ref.storedBytes)
        store.known.set(ref.content, ref);
    }
    return store;
  }

  /** Everything that was put or taken over since it was opened. */
  get objects(): readonly ObjectRef[] {
    return [...this.used.values()].toSorted((a, b) => (a.content < b.content ? -1 : 1));
  }

  /** Takes over content that is there already; false when it is not. */
  reuse(content: string): boolean {
    const ref = this.known.get(content);
    if (ref !== undefined) this.used.set(content, ref);
    return ref !== undefined;
  }

  /** Stores content and gives its SHA-256. */
  async put(content: Readable): Promise<string> {
    const file = join(this.staging, randomBytes(8).toString('hex'));
    try {
      const plain = measure();
      const stored = measure();
      const gzip = createGzip({ level: COMPRESSION_LEVEL });
      const out = createWriteStream(file, { mode: 0o600 });
      await pipeline(content, plain.through, gzip, stored.through, out);
      const ref: ObjectRef = {
        content: plain.digest(),
        bytes: plain.bytes(),
        object: stored.digest(),
        storedBytes: stored.bytes(),
      };
      if (!this.reuse(ref.content)) await this.store(ref, file);
      return ref.content;
    } finally {
      await rm(file, { force: true });
    }
  }

  /** Of what is there already only the name is made: it is neither compressed nor sent. */
  async putBytes(bytes: Uint8Array | string): Promise<string> {
    const whole = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    const content = createHash('sha256').update(whole).digest('hex');
    return this.reuse(content) ? content : this.put(Readable.from([whole]));
  }

  private async store(ref: ObjectRef, file: string): Promise<void> {
    const name = objectName(ref.object);
    // A run that was cut off may have left it: its name says what is in it, its size that all is.
    if (this.present.get(name) !== ref.storedBytes) {
      await this.target.put(name, file);
      this.present.set(name, ref.storedBytes);
      this.addedBytes += ref.storedBytes;
    }
    this.known.set(ref.content, ref);
    this.used.set(ref.content, ref);
  }
}

interface Measure {
  readonly through: Transform;
  readonly digest: () => string;
  readonly bytes: () => number;
}

const measure = (): Measure => {
  const hash = createHash('sha256');
  let bytes = 0;
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      done(null, chunk);
    },
  });
  return { through, digest: () => hash.digest('hex'), bytes: () => bytes };
};

/**
 * The content of an object, checked while it is read: the stream ends well only if every byte, stored and
 * plain, is the one that was written. Who acts on it before its end acts on what may be damaged.
 */
export const readContent = async (target: BackupTarget, ref: ObjectRef): Promise<Readable> => {
  const name = objectName(ref.object);
  const damaged = (cause?: unknown): BackupError =>
    new BackupError('backup-damaged', `${name} does not hold what it was written with`, { cause });
  const stored = measure();
  const plain = measure();
  const check = new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, chunk),
    flush(done) {
      const isWhole =
        stored.digest() === ref.object &&
        plain.digest() === ref.content &&
        plain.bytes() === ref.bytes;
      done(isWhole ? null : damaged());
    },
  });
  const source = await target.read(name);
  void pipeline(source, stored.through, createGunzip(), plain.through, check).catch(
    () => undefined,
  );
  // What gunzip, say, throws is thrown in our words.
  const chunks = async function* (): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of check) yield chunk as Buffer;
    } catch (error) {
      throw error instanceof BackupError ? error : damaged(error);
    }
  };
  return Readable.from(chunks(), { objectMode: false });
};
