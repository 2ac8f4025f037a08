import { posix } from 'node:path';
import { SOURCE_ENTRIES_MAX } from '@shiplog/sources';
import { SourceRefusedError } from './source-refused.js';
import type { TarHeader } from './tar.js';

export const SOURCE_LIMITS = {
  entries: SOURCE_ENTRIES_MAX,
  /** Unpacked. */
  bytes: 2 * 1024 ** 3,
  nameLength: 1024,
} as const;
export type SourceLimits = { readonly [K in keyof typeof SOURCE_LIMITS]: number };

export type EntryType = 'file' | 'directory' | 'symlink' | 'link';

/** One entry of a source that may be handed to the engine: its names stay inside the tree. */
export interface CheckedEntry {
  readonly type: EntryType;
  /** Relative, without `.`, `..` or a slash at either end. */
  readonly name: string;
  /** As written for a symlink; a checked name for a hard link. */
  readonly target: string | undefined;
  readonly bytes: number;
  /** Permission bits without set-uid, set-gid and sticky. */
  readonly mode: number;
  readonly modifiedAt: Date;
}

const HOW =
  'Remove it from the source; a source holds files, directories and links inside its own tree.';

/** Checks the entries of one archive, in their order. Throws `SourceRefusedError`. */
export class EntryRules {
  private readonly symlinks = new Set<string>();
  private entries = 0;
  private bytes = 0;

  constructor(private readonly limits: SourceLimits = SOURCE_LIMITS) {}

  /** Undefined for entries that mean nothing (the root itself). */
  check(header: TarHeader): CheckedEntry | undefined {
    this.count(header);
    const name = toInnerName(header.name, this.limits.nameLength);
    if (name === '') return undefined;
    this.refuseBehindSymlink(name);
    const type = typeOf(header, name);
    if (type === 'symlink') this.symlinks.add(name);
    else this.symlinks.delete(name);
    return {
      type,
      name,
      target: targetOf(type, header, name, this.limits.nameLength),
      bytes: header.size,
      mode: header.mode & 0o777,
      modifiedAt: header.mtime,
    };
  }

  private count(header: TarHeader): void {
    this.entries += 1;
    this.bytes += header.size;
    if (this.entries > this.limits.entries) {
      throw new SourceRefusedError(
        `The source has more than ${this.limits.entries} entries.`,
        'Leave out what can be made again, such as node_modules and build results.',
      );
    }
    if (this.bytes > this.limits.bytes) {
      throw new SourceRefusedError(
        `The source is larger than ${Math.round(this.limits.bytes / 1024 ** 2)} MiB when unpacked.`,
        'Leave out what can be made again or fetched at run time.',
      );
    }
  }

  /** A file "inside" a symlink would be written where the link points. */
  private refuseBehindSymlink(name: string): void {
    for (let at = name.indexOf('/'); at !== -1; at = name.indexOf('/', at + 1)) {
      const parent = name.slice(0, at);
      if (this.symlinks.has(parent)) {
        throw new SourceRefusedError(
          `The source has "${show(name)}" behind the symbolic link "${show(parent)}".`,
          HOW,
        );
      }
    }
  }
}

const typeOf = (header: TarHeader, name: string): EntryType => {
  switch (header.type) {
    case 'file':
    case 'contiguous-file':
      return 'file';
    case 'directory':
    case 'symlink':
    case 'link':
      return header.type;
    default:
      throw new SourceRefusedError(`The source has a ${header.type} entry: "${show(name)}".`, HOW);
  }
};

const targetOf = (
  type: EntryType,
  header: TarHeader,
  name: string,
  lengthMax: number,
): string | undefined => {
  if (type !== 'symlink' && type !== 'link') return undefined;
  const target = header.linkname ?? '';
  if (type === 'link') return toInnerName(target, lengthMax);
  const reached = posix.normalize(posix.join(posix.dirname(name), target));
  const escapes = target === '' || posix.isAbsolute(target) || isOutside(reached);
  if (escapes || target.includes('\0')) {
    throw new SourceRefusedError(
      `The symbolic link "${show(name)}" points out of the source, to "${show(target)}".`,
      HOW,
    );
  }
  return target;
};

const isOutside = (path: string): boolean => path === '..' || path.startsWith('../');

const toInnerName = (raw: string, lengthMax: number): string => {
  if (raw.length > lengthMax) {
    throw new SourceRefusedError(
      `The source has a name longer than ${lengthMax} characters: "${show(raw)}".`,
      'Shorten the path.',
    );
  }
  if (raw.startsWith('/') || raw.includes('\0') || raw.split('/').includes('..')) {
    throw new SourceRefusedError(`The source has an entry outside its tree: "${show(raw)}".`, HOW);
  }
  return raw
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
};

/** Names come from strangers and go to a terminal. */
const show = (name: string): string => {
  const plain = name.replace(/[\u0000-\u001f\u007f-\u009f"]/g, '?');
  return plain.length > 120 ? `${plain.slice(0, 117)}...` : plain;
};
