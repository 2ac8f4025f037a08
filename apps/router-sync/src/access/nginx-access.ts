import type { NginxAdmin } from '../nginx/admin.js';
import type { AccessSink, AccessSource } from './access-source.js';
import { Tally, type Counted } from './tally.js';

const FETCH_MS = 200;
/** Its workers count together. */
const NGINX = 'nginx';

/** Takes lines out of the memory that the workers of nginx share, where they wait in a list of bounded length. */
export class NginxAccess implements AccessSource {
  private readonly tally = new Tally();

  constructor(private readonly admin: NginxAdmin) {}

  start(sink: AccessSink): () => Promise<void> {
    let isStopped = false;
    this.tally.begin(NGINX, false);
    // What was answered before us is in no line of ours.
    let fetching: Promise<unknown> = this.counted();
    const fetch = (): void => {
      fetching = fetching
        .then(() => (isStopped ? undefined : this.fetch(sink)))
        .catch(() => undefined);
    };
    const timer = setInterval(fetch, FETCH_MS);
    return async () => {
      isStopped = true;
      clearInterval(timer);
      await fetching;
    };
  }

  instanceOf(server: string): string | null {
    return server;
  }

  async counted(): Promise<Counted> {
    const answered = await this.admin.answered().catch(() => undefined);
    if (answered !== undefined) this.tally.answered(NGINX, answered);
    return this.tally.counted;
  }

  private async fetch(sink: AccessSink): Promise<void> {
    const { lines, lost, answered } = await this.admin.takeAccess();
    // First: one that began anew wrote these lines, and not the one before.
    this.tally.answered(NGINX, answered);
    for (const line of lines) {
      this.tally.line(NGINX);
      sink.onLine(line);
    }
    if (lost > 0) sink.onLost(lost);
  }
}
