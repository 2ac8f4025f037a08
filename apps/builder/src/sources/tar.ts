import { Writable, type Readable } from 'node:stream';
import { extract, pack, type Header } from 'tar-stream';

/** The types of tar-stream do not say that only links have a target. */
export type TarHeader = Omit<Header, 'linkname'> & { readonly linkname: string | null };

/** What a tar archive is written with: entries in, bytes out. */
export interface TarWriter {
  /** Writes an entry without content, or with the content given. */
  put(header: Partial<Header> & Pick<Header, 'name'>, content?: string): Promise<void>;
  /** Where the content of a file of `header.size` bytes is written to; one at a time. */
  file(header: Partial<Header> & Pick<Header, 'name' | 'size'>): Writable;
  finish(): void;
  fail(error: Error): void;
  readonly bytes: Readable;
}

export interface TarEntry {
  readonly header: TarHeader;
  readonly content: Readable;
}

// tar-stream's streams are streamx's: they work as those of Node.js, but their types do not say so.

export const writeTar = (): TarWriter => {
  const out = pack();
  return {
    put: (header, content) =>
      new Promise((resolve, reject) => {
        const done = (error?: Error | null): void => (error ? reject(error) : resolve());
        if (content === undefined) out.entry(header, done);
        else out.entry(header, content, done);
      }),
    file: (header) => out.entry(header) as unknown as Writable,
    finish: () => out.finalize(),
    fail: (error) => out.destroy(error),
    bytes: out as unknown as Readable,
  };
};

/** Takes the first entry of each name and drops the rest: an engine refuses a layer that has a name twice. */
export const firstOfEach = (out: TarWriter): TarWriter => {
  const names = new Set<string>();
  const isNew = (name: string): boolean => {
    const plain = name.replace(/\/+$/, '');
    if (names.has(plain)) return false;
    names.add(plain);
    return true;
  };
  return {
    ...out,
    put: (header, content) => (isNew(header.name) ? out.put(header, content) : Promise.resolve()),
    file: (header) =>
      isNew(header.name)
        ? out.file(header)
        : new Writable({ write: (_chunk, _encoding, done) => done() }),
  };
};

/** Entries come one by one; what is left of the content is skipped before the next one. */
export const readTar = (): {
  readonly sink: Writable;
  readonly entries: AsyncIterable<TarEntry>;
} => {
  const tar = extract();
  async function* entries(): AsyncGenerator<TarEntry> {
    for await (const source of tar) {
      yield { header: source.header, content: source as unknown as Readable };
      source.resume();
    }
  }
  return { sink: tar as unknown as Writable, entries: entries() };
};
