import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { EntryRules, SOURCE_LIMITS, type CheckedEntry, type SourceLimits } from './entry-rules.js';
import { SourceRefusedError } from './source-refused.js';
import { readTar, writeTar, type TarWriter } from './tar.js';

/** Opens the archive anew each time: it is read once to decide and once to build. */
export type OpenArchive = () => Readable;

/**
 * Calls `visit` with each checked entry, in order. Nothing is written to this machine's file system.
 * Throws `SourceRefusedError` for what must not be built, and what reading the archive threw.
 */
export const eachEntry = async (
  open: OpenArchive,
  visit: (entry: CheckedEntry, content: Readable) => Promise<void>,
  limits: SourceLimits = SOURCE_LIMITS,
): Promise<void> => {
  const rules = new EntryRules(limits);
  const { sink, entries } = readTar();
  const isGzip = await startsLikeGzip(open());
  const feeding = pipeline(
    isGzip ? [open(), createGunzip(), atMost(limits), sink] : [open(), atMost(limits), sink],
  );
  // The loop below sees the same failure; this one only must not go unhandled.
  feeding.catch(() => undefined);
  try {
    for await (const { header, content } of entries) {
      const entry = rules.check(header);
      if (entry !== undefined) await visit(entry, content);
    }
    await feeding;
  } catch (error) {
    sink.destroy();
    // An entry whose archive broke off in the middle knows only that it was ended.
    throw translate(isEndedStream(error) ? await feeding.catch((cause: unknown) => cause) : error);
  }
};

const isEndedStream = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'STREAM_DESTROYED';

/** Where an entry goes in the build context; undefined leaves it out. */
export type Placement = (name: string) => string | undefined;

interface ContextParts {
  /** Files of our own, first in the context. */
  readonly own: Readonly<Record<string, string>>;
  /** Each one gets a copy of what it wants, under the name it gives it. */
  readonly placements: readonly Placement[];
}

/** A build context as a tar stream: our own files, and the source where it is wanted. */
export const contextOf = (open: OpenArchive | undefined, parts: ContextParts): Readable => {
  const out = writeTar();
  const fill = async (): Promise<void> => {
    for (const [name, text] of Object.entries(parts.own)) await out.put({ name }, text);
    if (open !== undefined) {
      for (const place of parts.placements) {
        await eachEntry(open, (entry, content) => copyEntry(out, entry, content, place));
      }
    }
    out.finish();
  };
  fill().catch((error: unknown) => out.fail(error as Error));
  return out.bytes;
};

const copyEntry = async (
  out: TarWriter,
  entry: CheckedEntry,
  content: Readable,
  place: Placement,
): Promise<void> => {
  const name = place(entry.name);
  if (name === undefined) return;
  const target = entry.type === 'link' ? place(entry.target ?? '') : entry.target;
  // A hard link to what is left out would dangle.
  if (entry.type === 'link' && target === undefined) return;
  const header = {
    name,
    mode: entry.mode,
    mtime: entry.modifiedAt,
    type: entry.type,
    ...(target === undefined ? {} : { linkname: target }),
  };
  if (entry.type === 'file') {
    await pipeline(content, out.file({ ...header, size: entry.bytes }));
  } else {
    await out.put(header);
  }
};

/** Headers may lie about sizes; what comes out of gzip does not. */
const atMost = (limits: SourceLimits): Transform => {
  let bytes = 0;
  // Each entry also takes a header and padding of a block each, long names some more.
  const bytesMax = limits.bytes + limits.entries * 4096;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= bytesMax) return done(null, chunk);
      return done(
        new SourceRefusedError(
          `The source is larger than ${Math.round(limits.bytes / 1024 ** 2)} MiB when unpacked.`,
          'Leave out what can be made again or fetched at run time.',
        ),
      );
    },
  });
};

const startsLikeGzip = async (archive: Readable): Promise<boolean> => {
  for await (const chunk of archive as AsyncIterable<Buffer>) {
    archive.destroy();
    return chunk[0] === 0x1f && chunk[1] === 0x8b;
  }
  return false;
};

const translate = (error: unknown): unknown => {
  if (error instanceof SourceRefusedError || !(error instanceof Error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') {
    return new SourceRefusedError(
      'The source of this build is not kept any more.',
      'Push or deploy the source again.',
    );
  }
  const isMalformed =
    code?.startsWith('Z_') === true ||
    /invalid (tar )?header|exceeds max size|unexpected end|premature close/i.test(error.message);
  return isMalformed
    ? new SourceRefusedError(
        'The source is not a complete tar archive.',
        'Send a tar archive, plain or gzip.',
      )
    : error;
};
