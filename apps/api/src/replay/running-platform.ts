import { positionOf, type Position } from '@shiplog/events';

/** What a platform serves at one position. */
export interface Served {
  readonly position: Position;
  /** Its dump, a document a line. */
  readonly lines: readonly string[];
  /** `tables`: as it is served. `log`: its tables never stood still, so this is what its code makes of the log. */
  readonly from: 'tables' | 'log';
}

export class PlatformRefusedError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'PlatformRefusedError';
  }
}

/** Dumps of a platform in use take longer than the time between two of its commits. */
const TRIES = 10;

/** A running platform as seen through its API: only what every version of it has. */
export class RunningPlatform {
  constructor(
    private readonly url: string,
    private readonly token: string,
  ) {}

  /** Its read models, at a position that is the same before and after they are read. */
  async served(): Promise<Served> {
    for (let left = TRIES; left > 0; left -= 1) {
      const before = await this.position();
      const lines = await this.dump('');
      const position = await this.position();
      if (position === before) return { position, lines, from: 'tables' };
    }
    const position = await this.position();
    return { position, lines: await this.dump(`?at=${position}`), from: 'log' };
  }

  /** Up to where its read models hold the log. */
  async position(): Promise<Position> {
    const answer = await this.get('/v1/nodes');
    await answer.body?.cancel();
    const sequence = answer.headers.get('shiplog-sequence');
    if (sequence === null) throw new PlatformRefusedError(200, 'not-a-shiplog-answer', this.url);
    return positionOf(sequence);
  }

  private async dump(query: string): Promise<string[]> {
    const answer = await this.get(`/v1/read-models/dump${query}`);
    return (await answer.text()).split('\n').filter((line) => line !== '');
  }

  private async get(path: string): Promise<Response> {
    const answer = await fetch(`${this.url}${path}`, {
      headers: { Authorization: `Bearer ${this.token}` },
    });
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    const { code = 'unknown', detail = answer.statusText } = problem as Record<string, string>;
    throw new PlatformRefusedError(answer.status, code, detail);
  }
}
