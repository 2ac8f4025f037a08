import { accessTopic, type AccessLine } from '@shiplog/domain';
import type { Bus, Session } from '@shiplog/bus';
import { z } from 'zod';
import type { AccessSource } from './access-source.js';
import { parseAccessLine, type RawAccess } from './parse-line.js';

/** Newest lines that are kept for who asks later. */
const KEPT_PER_APP = 500;
/** Of all apps together; those that were written to the longest ago go first. */
const KEPT_APPS = 200;
/** How long lines are gathered before they are passed on: places of instances are known by then. */
const FLUSH_MS = 100;
/** Of one app and one flush; more are counted, and in no log. */
const PUBLISHED_MAX = 1_000;
/** Waiting to be passed on, of all apps. */
const WAITING_MAX = 50_000;

export interface AccessCounts {
  /** Lines that came from the proxy. */
  lines: number;
  /** Requests at hosts that no app has. */
  unknownHost: number;
  /** Lines that were left out: by the proxy, or here, because they came too fast. */
  lost: number;
  /** Text that was no line. */
  malformed: number;
}

interface Deps {
  readonly source: AccessSource;
  readonly bus: Pick<Bus, 'publish' | 'serveSessions'>;
  /** Undefined: no such instance. */
  readonly instance: (
    id: string,
  ) => { readonly appId: string; readonly release: number } | undefined;
  readonly onLine: (line: AccessLine) => void;
}

const accessInput = z.object({
  appId: z.string(),
  instances: z.array(z.string()).optional(),
  tail: z.number().int().min(0).max(10_000),
  follow: z.boolean(),
});

/** Lines of the proxy, by app: counted, kept for a while, published, and sent to who follows them. */
export class AccessLog {
  readonly counts: AccessCounts = { lines: 0, unknownHost: 0, lost: 0, malformed: 0 };
  private waiting: RawAccess[] = [];
  private readonly kept = new Map<string, AccessLine[]>();
  private readonly followers = new Map<string, Set<(line: AccessLine) => void>>();

  constructor(private readonly deps: Deps) {}

  start(): () => Promise<void> {
    const { source, bus } = this.deps;
    const stopSource = source.start({
      onLine: (text) => this.take(text),
      onLost: (count) => (this.counts.lost += count),
    });
    const stopServing = bus.serveSessions('access', (input, session) => this.send(input, session));
    const timer = setInterval(() => this.flush(), FLUSH_MS);
    return async () => {
      clearInterval(timer);
      stopServing();
      await stopSource();
      this.flush();
    };
  }

  private take(text: string): void {
    this.counts.lines += 1;
    const raw = parseAccessLine(text);
    if (raw === undefined) this.counts.malformed += 1;
    else if (raw.appId === null) this.counts.unknownHost += 1;
    else if (this.waiting.length < WAITING_MAX) this.waiting.push(raw);
    else this.counts.lost += 1;
  }

  private flush(): void {
    const lines = this.waiting;
    this.waiting = [];
    const byApp = new Map<string, AccessLine[]>();
    for (const raw of lines) {
      const line = this.lineOf(raw);
      this.deps.onLine(line);
      const own = byApp.get(line.appId);
      if (own === undefined) byApp.set(line.appId, [line]);
      else if (own.length < PUBLISHED_MAX) own.push(line);
      else this.counts.lost += 1;
    }
    for (const [appId, own] of byApp) {
      this.keep(appId, own);
      this.deps.bus.publish(accessTopic(appId), own);
      for (const follower of this.followers.get(appId) ?? []) own.forEach(follower);
    }
  }

  /** Whose place the server was; never an instance of another app. */
  private lineOf({ timeMs, server, appId, ...rest }: RawAccess): AccessLine {
    const id = server === null ? null : this.deps.source.instanceOf(server);
    const found = id === null ? undefined : this.deps.instance(id);
    const isOwn = found?.appId === appId;
    return {
      time: new Date(timeMs).toISOString(),
      appId: appId ?? '',
      instance: isOwn ? id : null,
      release: isOwn ? (found?.release ?? null) : null,
      ...rest,
    };
  }

  private keep(appId: string, lines: readonly AccessLine[]): void {
    const before = this.kept.get(appId) ?? [];
    this.kept.delete(appId);
    this.kept.set(appId, [...before, ...lines].slice(-KEPT_PER_APP));
    if (this.kept.size <= KEPT_APPS) return;
    const [oldest] = this.kept.keys();
    if (oldest !== undefined) this.kept.delete(oldest);
  }

  /** The newest lines, then, if asked, those that come. */
  private async send(given: unknown, session: Session): Promise<void> {
    const { appId, instances, tail, follow } = accessInput.parse(given);
    const isWanted = ({ instance }: AccessLine): boolean =>
      instances === undefined || (instance !== null && instances.includes(instance));
    const sendOne = (line: AccessLine): void => {
      if (isWanted(line)) session.send({ kind: 'line', head: { ...line } });
    };
    const past = (this.kept.get(appId) ?? []).filter(isWanted);
    if (tail > 0) past.slice(-tail).forEach(sendOne);
    if (follow) {
      const followers = this.followers.get(appId) ?? new Set();
      this.followers.set(appId, followers.add(sendOne));
      await session.ended;
      followers.delete(sendOne);
      if (followers.size === 0) this.followers.delete(appId);
    }
    session.end();
  }
}
