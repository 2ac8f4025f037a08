import { HaproxyRuntime } from '../haproxy/runtime.js';
import { answersIn, statRows } from '../haproxy/stat-rows.js';
import { ACCESS_RING } from '../haproxy/access-log.js';
import type { RouterPaths } from '../routes/router-paths.js';
import type { AccessSink, AccessSource } from './access-source.js';
import { LineSplitter } from './parse-line.js';
import { Tally, type Counted } from './tally.js';

/** How soon a worker that took over is found, and an old one that has nothing left is let go. */
const LOOK_MS = 500;

interface Tap {
  readonly pid: number;
  close(): void;
}

/**
 * Reads the ring in the memory of HAProxy's workers through their socket: no file, no port, and nobody else
 * can write there. A worker that is on its way out is read on until its last request has ended.
 */
export class HaproxyAccess implements AccessSource {
  private readonly runtime: HaproxyRuntime;
  private readonly master: HaproxyRuntime;
  private readonly taps = new Map<number, Tap>();
  private readonly tally = new Tally();
  /** The worker whose lines were read from its beginning on, or from ours. */
  private begun: number | undefined;

  constructor(
    paths: Pick<RouterPaths, 'admin' | 'master'>,
    private readonly ownerOf: (server: string) => string | null,
  ) {
    this.runtime = new HaproxyRuntime(paths.admin);
    this.master = new HaproxyRuntime(paths.master);
  }

  start(sink: AccessSink): () => Promise<void> {
    let isStopped = false;
    let looking = Promise.resolve();
    const look = (): void => {
      looking = looking
        .then(() => (isStopped ? undefined : this.look(sink)))
        // HAProxy is away for a moment: router-sync starts it, and the next look finds it.
        .catch(() => undefined);
    };
    const timer = setInterval(look, LOOK_MS);
    look();
    return async () => {
      isStopped = true;
      clearInterval(timer);
      await looking;
      for (const tap of this.taps.values()) tap.close();
    };
  }

  instanceOf(server: string): string | null {
    return this.ownerOf(server);
  }

  async counted(): Promise<Counted> {
    await this.count().catch(() => undefined);
    return this.tally.counted;
  }

  private async look(sink: AccessSink): Promise<void> {
    const current = await this.count();
    if (!this.taps.has(current)) this.open(current, sink);
    for (const tap of this.taps.values()) {
      if (tap.pid === current || !(await this.isIdle(tap.pid))) continue;
      // Of the last of its requests, too.
      await this.countOld(tap.pid);
      tap.close();
    }
    this.tally.keep(new Set([current, ...this.taps.keys()].map(String)));
  }

  /** What the workers answered so far; which one serves. */
  private async count(): Promise<number> {
    const [info = '', stat = ''] = await this.runtime.ask(['show info', SHOW_ANSWERED]);
    const current = Number(/^Pid: (\d+)$/m.exec(info)?.[1]);
    const answered = answeredIn(stat);
    if (answered !== undefined) this.tally.answered(String(current), answered);
    for (const { pid } of this.taps.values()) if (pid !== current) await this.countOld(pid);
    return current;
  }

  private async countOld(pid: number): Promise<void> {
    const stat = await this.master.askMaster(`@!${pid} ${SHOW_ANSWERED}`).catch(() => '');
    const answered = answeredIn(stat);
    if (answered !== undefined) this.tally.answered(String(pid), answered);
  }

  private open(pid: number, sink: AccessSink): void {
    const lines = new LineSplitter((line) => {
      this.tally.line(String(pid));
      sink.onLine(line);
    });
    // What was written before us belongs to an earlier router-sync, and what a worker wrote before it closed
    // the connection was read; what a new worker wrote was not.
    const isRead = this.begun === undefined || this.begun === pid;
    this.tally.begin(String(pid), !isRead);
    const command = `show events ${ACCESS_RING} -w${isRead ? ' -n' : ''}`;
    this.begun = pid;
    const close = this.runtime.stream(command, {
      onText: (text) => lines.push(text),
      onEnd: () => this.taps.delete(pid),
    });
    this.taps.set(pid, { pid, close });
  }

  private async isIdle(pid: number): Promise<boolean> {
    const info = await this.master.askMaster(`@!${pid} show info`).catch(() => undefined);
    // A master that is silent says nothing about its workers; one that is gone closes the connection itself.
    if (info === undefined) return false;
    const connections = /^CurrConns: (\d+)$/m.exec(info)?.[1];
    return connections === undefined || connections === '0';
  }
}

const SHOW_ANSWERED = 'show stat apps 1 -1';

/** Of the one line of the frontend; undefined where there is none. */
const answeredIn = (text: string): number | undefined => statRows(text).map(answersIn)[0];
