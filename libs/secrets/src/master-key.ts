import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createFile, replaceFile } from './durable-file.js';
import { KeyStoreError } from './errors.js';
import { keyOf, puncture, type PuncturableKey } from './puncturable-key.js';

/** One generation of the master key. While it is replaced the one before stands behind it. */
interface Generation {
  readonly id: string;
  readonly createdAt: string;
  readonly key: PuncturableKey;
}

/** What may be told of it. */
export interface MasterKeyFacts {
  readonly id: string;
  readonly createdAt: string;
}

export interface WrappingKey {
  readonly masterKeyId: string;
  readonly key: Buffer;
}

export interface MasterKeyOptions {
  /** Milliseconds of the wall clock. */
  readonly now?: () => number;
  /** Called between two steps, by name: where tests end the process. */
  readonly fault?: (point: string) => void;
}

export const newMasterKeyId = (): string => `mk_${randomBytes(8).toString('hex')}`;

/**
 * The file that wraps every other key, apart from them so that it can lie on another disk or be mounted as
 * a secret. Read again whenever it changed: processes that only read follow a rotation without a restart.
 * One process writes it, the api.
 */
export class MasterKey {
  private known:
    { readonly stamp: string; readonly generations: readonly Generation[] } | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  readonly now: () => number;
  readonly fault: (point: string) => void;

  constructor(
    readonly file: string,
    options: MasterKeyOptions = {},
  ) {
    this.now = options.now ?? Date.now;
    this.fault = options.fault ?? (() => undefined);
  }

  /** One change of the key store at a time: a key made while all are wrapped anew would be left behind. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work, work);
    this.queue = result.catch(() => undefined);
    return result;
  }

  /** Newest first; empty where there is no file. */
  async facts(): Promise<readonly MasterKeyFacts[]> {
    return (await this.load()).map(({ id, createdAt }) => ({ id, createdAt }));
  }

  /** Makes the file if there is none. Only for who knows that nothing is wrapped yet. */
  async ensure(): Promise<void> {
    if ((await this.load()).length > 0) return;
    await createFile(this.file, textOf([this.newGeneration(newMasterKeyId())]));
  }

  /** What keys are wrapped with from now on. Undefined where there is no file, or the label was cut out. */
  async wrappingKey(label: string): Promise<WrappingKey | undefined> {
    const [current] = await this.load();
    const key = current && keyOf(current.key, label);
    return key && { masterKeyId: current.id, key };
  }

  /** `unknown`: no such generation here. `gone`: the label was cut out of it. */
  async unwrappingKey(masterKeyId: string, label: string): Promise<Buffer | 'unknown' | 'gone'> {
    const generation = (await this.load()).find(({ id }) => id === masterKeyId);
    if (generation === undefined) return 'unknown';
    return keyOf(generation.key, label) ?? 'gone';
  }

  /** From now on nothing opens what was wrapped under this label, wherever it was copied to. */
  async puncture(label: string): Promise<void> {
    const generations = await this.load();
    if (generations.length === 0) {
      throw new KeyStoreError(
        'master-key-missing',
        `the master key file ${this.file} is missing: nothing can be cut out of it. Put it back from where you keep a copy`,
      );
    }
    const punctured = generations.map((one) => ({ ...one, key: puncture(one.key, label) }));
    if (punctured.every(({ key }, i) => key === generations[i]?.key)) return;
    await this.save(punctured);
  }

  /** A new generation in front; the old ones go on opening. On repetition with the same id nothing happens. */
  async addGeneration(id: string): Promise<void> {
    const generations = await this.load();
    if (generations.some((one) => one.id === id)) return;
    await this.save([this.newGeneration(id), ...generations]);
  }

  /** Forgets all generations but the newest. */
  async dropOldGenerations(): Promise<void> {
    const generations = await this.load();
    if (generations.length > 1) await this.save(generations.slice(0, 1));
  }

  /** Throws `KeyStoreError` where the file cannot be replaced: found by replacing it with itself. */
  async requireWritable(): Promise<void> {
    await this.save(await this.load());
  }

  private newGeneration(id: string): Generation {
    const createdAt = new Date(this.now()).toISOString();
    return { id, createdAt, key: { seeds: new Map([['', randomBytes(32)]]) } };
  }

  private async load(): Promise<readonly Generation[]> {
    let stamp: string;
    let text: string;
    try {
      const { ino, mtimeMs, size } = await stat(this.file);
      stamp = `${ino} ${mtimeMs} ${size}`;
      if (this.known?.stamp === stamp) return this.known.generations;
      text = await readFile(this.file, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw damaged(this.file, 'it cannot be read', cause);
    }
    const generations = parse(this.file, text);
    this.known = { stamp, generations };
    return generations;
  }

  private async save(generations: readonly Generation[]): Promise<void> {
    try {
      await replaceFile(this.file, textOf(generations));
    } catch (cause) {
      throw new KeyStoreError(
        'master-key-read-only',
        `the master key file ${this.file} cannot be replaced. Make ${dirname(this.file)} writable for the api; ` +
          'a file that is mounted by itself cannot be replaced, mount its folder instead',
        { cause },
      );
    }
  }
}

const damaged = (file: string, what: string, cause?: unknown): KeyStoreError =>
  new KeyStoreError(
    'master-key-damaged',
    `the master key file ${file} is damaged: ${what}. Restore it from where you keep a copy`,
    { cause },
  );

const textOf = (generations: readonly Generation[]): string =>
  `${JSON.stringify({
    v: 1,
    masterKeys: generations.map(({ id, createdAt, key }) => ({
      id,
      createdAt,
      seeds: [...key.seeds].map(([path, seed]) => [path, seed.toString('base64')]),
    })),
  })}\n`;

interface Stored {
  readonly v: unknown;
  readonly masterKeys: readonly {
    readonly id: string;
    readonly createdAt: string;
    readonly seeds: readonly (readonly [string, string])[];
  }[];
}

const parse = (file: string, text: string): readonly Generation[] => {
  let stored: Stored;
  try {
    stored = JSON.parse(text) as Stored;
    if (stored.v !== 1) throw new Error('its format has another version');
    if (stored.masterKeys.length === 0) throw new Error('it holds no key');
    return stored.masterKeys.map(({ id, createdAt, seeds }) => ({
      id,
      createdAt,
      key: { seeds: new Map(seeds.map(([path, seed]) => [path, seedOf(seed)])) },
    }));
  } catch (cause) {
    // Never the text itself: what is left of it may still be a secret.
    throw damaged(
      file,
      'it is not the JSON that was written',
      cause instanceof SyntaxError ? undefined : cause,
    );
  }
};

const seedOf = (text: string): Buffer => {
  const seed = Buffer.from(text, 'base64');
  if (seed.length !== 32) throw new Error('a seed is not 32 bytes long');
  return seed;
};
