import { Readable } from 'node:stream';
import { START, type Position } from '@shiplog/events';
import { exportLine, sha256, type EventLog, type StoredCommit } from '@shiplog/events/log';
import { BackupError } from '../backup-error.js';
import type { ContentStore } from '../content/content-store.js';
import type { Segment } from '../content/manifest.js';

const COMMITS_OF_A_SEGMENT = 10_000;
/** Each backup ends with a short segment; when there are more of them in a row they become one. */
const SHORT_SEGMENTS_MAX = 16;
const BATCH = 1_000;

/** What can be taken over of an earlier backup: segments from the first commit on, without a hole. */
export const reusableSegments = (
  segments: readonly Segment[],
  isThere: (content: string) => boolean,
): readonly Segment[] => {
  const taken: Segment[] = [];
  for (const segment of segments) {
    if (segment.after !== (taken.at(-1)?.to ?? START) || !isThere(segment.content)) break;
    taken.push(segment);
  }
  const full = taken.findLastIndex(({ commits }) => commits === COMMITS_OF_A_SEGMENT) + 1;
  return taken.length - full > SHORT_SEGMENTS_MAX ? taken.slice(0, full) : taken;
};

type SourceLog = Pick<EventLog, 'readStored' | 'compare' | 'isDense'>;

export interface SavedLog {
  readonly segments: readonly Segment[];
  readonly headHash: string | null;
}

interface LogOptions {
  readonly upTo: Position;
  /** Segments of the backup that this one builds on. */
  readonly base: readonly Segment[];
  readonly onCommits: (count: number) => void;
}

/** Saves the log up to a position: every commit as it is stored, in segments that never change. */
export const saveLog = async (
  log: SourceLog,
  store: ContentStore,
  { upTo, base, onCommits }: LogOptions,
): Promise<SavedLog> => {
  const segments = [...reusableSegments(base, (content) => store.reuse(content))];
  let after = segments.at(-1)?.to ?? START;
  while (log.compare(after, upTo) < 0) {
    const segment = new SegmentReader(log, after, upTo);
    const content = await store.put(Readable.from(segment.lines()));
    segments.push({ after, to: segment.to, commits: segment.commits, content });
    after = segment.to;
    onCommits(segment.commits);
  }
  return { segments, headHash: upTo === START ? null : await hashAt(log, upTo) };
};

/** The hash that the log keeps of the commit at this place; undefined where it has none. */
export const hashAt = async (
  log: Pick<EventLog, 'readStored'>,
  position: Position,
): Promise<string | null> => {
  const before = (BigInt(position) - 1n).toString().padStart(position.length, '0');
  const [stored] = await log.readStored(before, 1);
  return stored?.position === position ? stored.hash : null;
};

/** A damaged log is not saved: it would take the place of a good one. */
class SegmentReader {
  to: Position;
  commits = 0;

  constructor(
    private readonly log: SourceLog,
    after: Position,
    private readonly upTo: Position,
  ) {
    this.to = after;
  }

  async *lines(): AsyncGenerator<string> {
    while (this.commits < COMMITS_OF_A_SEGMENT && this.log.compare(this.to, this.upTo) < 0) {
      const limit = Math.min(BATCH, COMMITS_OF_A_SEGMENT - this.commits);
      const batch = await this.log.readStored(this.to, limit);
      if (batch.length === 0) throw damaged(this.to, 'nothing follows it, though the log goes on');
      const wanted = batch.filter(({ position }) => this.log.compare(position, this.upTo) <= 0);
      for (const commit of wanted) yield this.line(commit);
      if (wanted.length < batch.length) return;
    }
  }

  private line(commit: StoredCommit): string {
    if (this.log.isDense && BigInt(commit.position) !== BigInt(this.to) + 1n) {
      throw damaged(this.to, `the next commit is ${Number(commit.position)}`);
    }
    if (sha256(commit.bytes) !== commit.hash) {
      throw damaged(commit.position, 'it has other bytes than those that were written');
    }
    this.to = commit.position;
    this.commits += 1;
    return `${exportLine(commit)}\n`;
  }
}

const damaged = (position: Position, what: string): BackupError =>
  new BackupError(
    'log-damaged',
    `the log is damaged at ${Number(position)}: ${what}. Earlier backups stay as they are`,
  );
