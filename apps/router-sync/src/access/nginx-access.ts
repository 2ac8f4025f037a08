import type { NginxAdmin } from '../nginx/admin.js';
import type { AccessSink, AccessSource } from './access-source.js';

const FETCH_MS = 200;

/** Takes lines out of the memory that the workers of nginx share, where they wait in a list of bounded length. */
export class NginxAccess implements AccessSource {
  constructor(private readonly admin: NginxAdmin) {}

  start(sink: AccessSink): () => Promise<void> {
    let isStopped = false;
    let fetching = Promise.resolve();
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

  async counted(): Promise<number | undefined> {
    return this.admin.answered().catch(() => undefined);
  }

  private async fetch(sink: AccessSink): Promise<void> {
    const { lines, lost } = await this.admin.takeAccess();
    for (const line of lines) sink.onLine(line);
    if (lost > 0) sink.onLost(lost);
  }
}
