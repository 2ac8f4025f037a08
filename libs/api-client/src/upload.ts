import type { Readable } from 'node:stream';
import { changeHeaders, pathSegment, type ChangeOptions, type Connection } from './connection.js';
import { OutcomeUnknownError, UnreachableError } from './problem.js';
import { pause } from './retry.js';
import { openStream, textOf } from './stream.js';

export interface StoredSource {
  readonly digest: string;
  readonly bytes: number;
}

const ATTEMPTS = 4;

/**
 * Stores a source archive. `archive` makes the stream, once per attempt: the server keeps sources by
 * their digest, so sending one again after a lost connection changes nothing.
 */
export const upload =
  (connection: Connection) =>
  async (
    app: string,
    archive: () => Readable,
    { gzip, ...options }: ChangeOptions & { readonly gzip: boolean },
  ): Promise<StoredSource> => {
    const headers = {
      ...changeHeaders(options),
      'Content-Type': gzip ? 'application/gzip' : 'application/x-tar',
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        const request = connection.stream(
          `/v1/apps/${pathSegment(app)}/sources`,
          {},
          { method: 'POST', headers, body: archive() },
        );
        return JSON.parse(await textOf(await openStream(request))) as StoredSource;
      } catch (error) {
        const isLost = error instanceof OutcomeUnknownError || error instanceof UnreachableError;
        if (!isLost) throw error;
        // A stored source without a build is nothing yet: losing the answer leaves nothing unknown.
        if (attempt === ATTEMPTS) throw new UnreachableError(connection.url, { cause: error });
        await pause(connection.retry.pauseMs * 2 ** attempt, connection.signal);
      }
    }
  };
