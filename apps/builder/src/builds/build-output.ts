import { appendFile, mkdir, readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ID_PATTERN } from '@shiplog/events';
import { z } from 'zod';
import { cleanLine } from '../engine/output-lines.js';

export interface OutputLine {
  /** Counted from 1. */
  readonly n: number;
  readonly text: string;
}

type Publish = (topic: string, data: unknown) => void;

const FLUSH_MS = 50;
/** With lines of at most 2000 characters: well below what the bus carries in one message. */
const LINES_PER_MESSAGE = 100;
const LINES_KEPT_MAX = 20_000;
/** What is kept at hand to find out why a build failed. */
const TAIL_LINES = 200;
/** A page of an answer: well below what the bus carries in one message. */
const PAGE_BYTES_MAX = 400 * 1024;
/** Output of builds that no release needs any more. */
const KEPT_MS = 30 * 24 * 3_600_000;

const line = z.object({ n: z.number().int(), text: z.string() });

/** What builds print: told at once to who listens, and kept in a file for who comes later. */
export class BuildOutputs {
  private readonly open = new Map<string, BuildOutput>();

  constructor(
    private readonly directory: string,
    private readonly publish: Publish,
  ) {}

  /** Goes on after the last line that is kept: a build that is taken up again has one output. */
  async start(buildId: string): Promise<BuildOutput> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const kept = await this.readKept(buildId);
    // A last line that was cut off by a crash must not swallow the next one.
    if (kept.length > 0) await appendFile(this.path(buildId), '\n');
    const output = new BuildOutput(
      this.path(buildId),
      kept.at(-1)?.n ?? 0,
      (lines) => this.publish(`output.${buildId}`, { lines }),
      () => this.open.delete(buildId),
    );
    this.open.set(buildId, output);
    return output;
  }

  /** Kept lines after number `after`, at most one page; ask again with the last one's number. */
  async page(buildId: string, after: number): Promise<readonly OutputLine[]> {
    if (!ID_PATTERN.test(buildId)) return [];
    await this.open.get(buildId)?.flush();
    const page: OutputLine[] = [];
    let bytes = 0;
    for (const kept of await this.readKept(buildId)) {
      if (kept.n <= after) continue;
      bytes += Buffer.byteLength(kept.text) + 32;
      if (bytes > PAGE_BYTES_MAX && page.length > 0) break;
      page.push(kept);
    }
    return page;
  }

  /** Removes old files of builds that are not wanted any more. */
  async prune(isWanted: (buildId: string) => boolean, now: number): Promise<void> {
    const names = await readdir(this.directory).catch(() => []);
    for (const name of names) {
      const buildId = /^([A-Za-z0-9_-]+)\.(?:ndjson|containers)$/.exec(name)?.[1];
      if (buildId === undefined || isWanted(buildId) || this.open.has(buildId)) continue;
      const path = join(this.directory, name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && now - found.mtimeMs > KEPT_MS) await rm(path, { force: true });
    }
  }

  private async readKept(buildId: string): Promise<readonly OutputLine[]> {
    const text = await readFile(this.path(buildId), 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    });
    return text.split('\n').flatMap((json) => parseLine(json) ?? []);
  }

  private path(buildId: string): string {
    return join(this.directory, `${buildId}.ndjson`);
  }
}

/** A line that was half written when the machine died is as good as none. */
const parseLine = (json: string): OutputLine | undefined => {
  if (json === '') return undefined;
  try {
    const parsed = line.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
};

export class BuildOutput {
  private pending: OutputLine[] = [];
  private last: string[] = [];
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly path: string,
    private n: number,
    private readonly tell: (lines: readonly OutputLine[]) => void,
    private readonly onClose: () => void,
  ) {}

  readonly line = (raw: string): void => {
    const text = cleanLine(raw);
    this.last = [...this.last, text].slice(-TAIL_LINES);
    if (this.n > LINES_KEPT_MAX) return;
    this.n += 1;
    const isCut = this.n > LINES_KEPT_MAX;
    this.pending.push({
      n: this.n,
      text: isCut ? `(more than ${LINES_KEPT_MAX} lines: the rest is not kept)` : text,
    });
    this.timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  };

  /** The newest lines. */
  tail(): readonly string[] {
    return this.last;
  }

  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const lines = this.pending;
    this.pending = [];
    if (lines.length === 0) return this.writing;
    const text = lines.map((kept) => `${JSON.stringify(kept)}\n`).join('');
    // A full disk must not end the build: its lines are still told to who listens.
    this.writing = this.writing.then(() =>
      appendFile(this.path, text, { mode: 0o600 }).catch(() => undefined),
    );
    for (let at = 0; at < lines.length; at += LINES_PER_MESSAGE) {
      this.tell(lines.slice(at, at + LINES_PER_MESSAGE));
    }
    return this.writing;
  }

  async close(): Promise<void> {
    await this.flush();
    this.onClose();
  }
}
