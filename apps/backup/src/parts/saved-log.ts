import { linesOf } from '@shiplog/runtime';
import { START, storedCommit } from '@shiplog/events';
import {
  LogDamagedError,
  StoredChain,
  parseExportLine,
  type StoredCommit,
} from '@shiplog/events/log';
import { BackupError } from '../backup-error.js';
import { readContent } from '../content/content-store.js';
import type { Manifest, ObjectRef } from '../content/manifest.js';
import type { BackupTarget } from '../target/backup-target.port.js';

/** A commit, and the place that it had. */
export type SavedCommit = StoredCommit;

/**
 * The log of a backup from its first commit to its last, each checked before it is given: bytes, hashes,
 * the chain of every stream, the order, and that it ends where the manifest says. The object of a segment
 * is checked to its end only when all its commits were given.
 */
export async function* savedCommits(
  target: BackupTarget,
  { log, position, headHash }: Manifest,
  refOf: (content: string) => ObjectRef,
): AsyncGenerator<SavedCommit> {
  const chain = new StoredChain();
  let last = { position: START, hash: null as string | null };
  for (const segment of log) {
    const content = await readContent(target, refOf(segment.content));
    let commits = 0;
    for await (const line of linesOf(content)) {
      const commit = checked(chain, line, last.position);
      last = commit;
      commits += 1;
      yield commit;
    }
    if (last.position !== segment.to || commits !== segment.commits)
      throw damaged(`the segment that ends at ${segment.to} is cut off`);
  }
  if (last.position !== position || last.hash !== headHash) {
    throw damaged(`it ends at ${Number(last.position)}, not where its manifest says`);
  }
}

const checked = (chain: StoredChain, line: string, before: string): SavedCommit => {
  const commit = parseExportLine(line);
  if (commit === undefined) throw damaged(`what follows ${Number(before)} is no commit`);
  if (commit.position <= before) {
    throw damaged(`${Number(commit.position)} follows ${Number(before)}`);
  }
  const saved = { ...commit, ...envelopeOf(commit.bytes) };
  try {
    chain.check(saved, String(Number(commit.position)));
  } catch (cause) {
    if (cause instanceof LogDamagedError) throw damaged(cause.message, cause);
    throw cause;
  }
  return saved;
};

/** An export carries what is in the bytes: stream and id stand in them and nowhere else. */
const envelopeOf = (bytes: Uint8Array): Pick<StoredCommit, 'stream' | 'id'> => {
  try {
    const { stream, id } = storedCommit.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return { stream, id };
  } catch (cause) {
    throw damaged('what lies there is no commit', cause);
  }
};

const damaged = (what: string, cause?: unknown): BackupError =>
  new BackupError('backup-damaged', `the log in the backup is damaged: ${what}`, { cause });
