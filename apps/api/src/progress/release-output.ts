import type { Frame, Session } from '@shiplog/bus';
import { releaseRunIdOf } from '@shiplog/domain';
import { z } from 'zod';
import type { Follower } from './follower.js';
import type { News } from './progress-event.js';

const logged = z.object({ time: z.string(), text: z.string() });

/** Lines that were written before anybody followed, and those that the end is filled up from. */
const TAIL = 5000;
const CATCH_UP_MS = 5000;

/** What the release command of a deploy prints, each line once and in order, while it runs and to its end. */
export class ReleaseOutput {
  private readonly runId: string;
  private ready: News[] = [];
  private lastTime = '';
  private session: Session | undefined;
  private isOver = false;

  constructor(
    private readonly follower: Pick<Follower, 'bus' | 'appId' | 'world' | 'inbox'>,
    private readonly deployId: string,
  ) {
    this.runId = releaseRunIdOf(deployId);
  }

  /** What came since the last look. Asked before what happened is told: its lines come before its end. */
  async look(): Promise<readonly News[]> {
    const run = this.follower.world.run(this.runId);
    if (run === undefined || run.startedAt === null || this.isOver) return this.take();
    if (run.status === 'ended') {
      this.isOver = true;
      this.close();
      await this.catchUp();
    } else if (this.session === undefined) {
      await this.follow();
    }
    return this.take();
  }

  close(): void {
    this.session?.end();
    this.session = undefined;
  }

  private async follow(): Promise<void> {
    const session = await this.open(true);
    if (session === undefined) return;
    this.session = session;
    session.onFrame((frame) => this.accept(frame));
    // The deployer went away: another look opens it again.
    void session.ended.then(() => {
      if (this.session === session) this.session = undefined;
    });
  }

  /** Its container keeps the log for a while: what came too fast or while nobody listened is in there. */
  private async catchUp(): Promise<void> {
    const session = await this.open(false);
    if (session === undefined) return;
    session.onFrame((frame) => this.accept(frame));
    const timer = setTimeout(() => session.end(), CATCH_UP_MS);
    await session.ended;
    clearTimeout(timer);
  }

  private open(follow: boolean): Promise<Session | undefined> {
    const { bus, appId } = this.follower;
    const input = { appId, instances: [this.runId], tail: TAIL, follow };
    return bus.open('deployer', 'logs', input).catch(() => undefined);
  }

  private accept({ kind, head }: Frame): void {
    if (kind !== 'line') return;
    const line = logged.safeParse(head);
    if (!line.success || line.data.time <= this.lastTime) return;
    this.lastTime = line.data.time;
    this.ready.push({ kind: 'output', text: line.data.text, deployId: this.deployId });
    this.follower.inbox.wake();
  }

  private take(): readonly News[] {
    const taken = this.ready;
    this.ready = [];
    return taken;
  }
}
