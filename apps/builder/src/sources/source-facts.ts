import type { Readable } from 'node:stream';
import { eachEntry, type OpenArchive } from './archive.js';
import type { SourceLimits } from './entry-rules.js';
import { SourceRefusedError } from './source-refused.js';

/** What decides how a source is built. */
export interface SourceFacts {
  /** All files, as paths from the root. */
  readonly files: ReadonlySet<string>;
  /** Text of the files in the root that decide. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Files of the root that are read, and how large they may be. */
const READ_BYTES_MAX: Readonly<Record<string, number>> = {
  Dockerfile: 1024 ** 2,
  '.dockerignore': 256 * 1024,
  Procfile: 256 * 1024,
  'package.json': 4 * 1024 ** 2,
  'package-lock.json': 64 * 1024 ** 2,
  'npm-shrinkwrap.json': 64 * 1024 ** 2,
  'yarn.lock': 32 * 1024 ** 2,
  'pnpm-lock.yaml': 32 * 1024 ** 2,
};

/** Reads the whole archive once: everything in it is checked before the engine sees any of it. */
export const readSourceFacts = async (
  open: OpenArchive,
  limits?: SourceLimits,
): Promise<SourceFacts> => {
  const files = new Set<string>();
  const texts = new Map<string, string>();
  await eachEntry(
    open,
    async (entry, content) => {
      if (entry.type !== 'directory') files.add(entry.name);
      const bytesMax = READ_BYTES_MAX[entry.name];
      if (bytesMax === undefined || entry.type !== 'file') return;
      if (entry.bytes > bytesMax) {
        throw new SourceRefusedError(
          `${entry.name} is larger than ${bytesMax} bytes.`,
          'Check that it is the file it should be.',
        );
      }
      texts.set(entry.name, await textOf(content));
    },
    limits,
  );
  return { files, texts };
};

const textOf = async (content: Readable): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of content as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
};
