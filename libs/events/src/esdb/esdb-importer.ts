import { EventStoreDBClient } from '@eventstore/db-client';
import { storedCommit } from '../commit.js';
import { CommitRefusedError } from '../log/errors.js';
import type { StoredCommit } from '../log/event-log.port.js';
import type { StreamName } from '../registry.js';
import { appendEvent } from './append-commit.js';
import { EsdbApi, type Credentials } from './esdb-api.js';
import { esdbStreamOf } from './names.js';
import { toEvent } from './stored-event.js';

interface ImporterOptions {
  readonly connectionString: string;
  readonly name: string;
  readonly credentials: Credentials | undefined;
}

const TIMES = { attemptTimeoutMs: 5_000, deadlineMs: 30_000 };

/**
 * Appends commits of another log byte for byte, also such as this version cannot read. One after the other:
 * that alone keeps their order among all streams.
 */
export class EsdbImporter {
  private readonly api: EsdbApi;
  /** How many commits each stream has. */
  private readonly lengths = new Map<string, bigint>();

  constructor(private readonly options: ImporterOptions) {
    const client = EventStoreDBClient.connectionString(options.connectionString);
    this.api = new EsdbApi(client, options.credentials);
  }

  async append(commit: Omit<StoredCommit, 'position'>): Promise<void> {
    const stream = esdbStreamOf(this.options.name, commit.stream as StreamName);
    const revision =
      this.lengths.get(stream) ?? (await this.api.lengthOf(stream, TIMES.attemptTimeoutMs));
    const text = Buffer.from(commit.bytes).toString('utf8');
    const { correlation, causation } = storedCommit.parse(JSON.parse(text));
    const event = toEvent({ id: commit.id, correlation, causation }, commit.bytes, commit.hash);
    const result = await appendEvent(this.api, TIMES, {
      stream,
      event,
      hash: commit.hash,
      revision,
    });
    if (result.outcome !== 'appended') {
      throw new CommitRefusedError(`somebody else writes to ${stream}: stop every platform on it`);
    }
    this.lengths.set(stream, revision + 1n);
  }

  close(): Promise<void> {
    return this.api.close();
  }
}
