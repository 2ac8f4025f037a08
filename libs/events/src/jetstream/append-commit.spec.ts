import { TimeoutError, type NatsConnection } from '@nats-io/nats-core';
import { describe, expect, it } from 'vitest';
import { NO_COMMIT, commitAfter, newStream } from '../testing/commits.js';
import { appendCommit } from './append-commit.js';
import { ConnectionWatch } from './connection-watch.js';
import { StreamApiError, type StreamApi } from './stream-api.js';

const times = { attemptTimeoutMs: 200, deadlineMs: 500 };

/** A server that takes everything and answers nothing, as one that is frozen: each question runs into its own time. */
const frozen = () => {
  const endsAt: number[] = [];
  const silence = (timeoutMs: number): Promise<never> => {
    endsAt.push(performance.now() + timeoutMs);
    return new Promise((_, reject) => setTimeout(() => reject(new TimeoutError()), timeoutMs));
  };
  const api = {
    publish: (_subject: string, _bytes: Uint8Array, options: { timeoutMs: number }) =>
      silence(options.timeoutMs),
    nextOn: (_subject: string, _from: number, timeoutMs: number) => silence(timeoutMs),
  };
  return { endsAt, api: api as unknown as StreamApi };
};

/** A connection of which nothing is heard: TCP to a frozen server stays open. */
const quietConnection = (): ConnectionWatch => {
  const nothing = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) };
  return new ConnectionWatch({ status: () => nothing } as unknown as NatsConnection);
};

const append = (api: StreamApi, watch: ConnectionWatch): Promise<unknown> => {
  const stream = newStream();
  const commit = commitAfter(stream, NO_COMMIT);
  const input = { stream, expected: NO_COMMIT.revision, commit };
  return appendCommit(api, watch, times, input).catch((error: unknown) => error);
};

describe('an append to a server that answers nothing', () => {
  it('is unknown when its deadline comes, not an attempt later', async () => {
    const { api, endsAt } = frozen();
    const deadlineAt = performance.now() + times.deadlineMs;
    const failure = await append(api, quietConnection());
    expect(failure).toMatchObject({ code: 'log-unavailable', outcome: 'unknown' });
    expect(endsAt.length).toBeGreaterThan(1);
    // A little more than the deadline, for the time between two readings of the clock.
    expect(Math.max(...endsAt)).toBeLessThan(deadlineAt + 50);
  });

  it('left nothing behind when it was never sent', async () => {
    const { api, endsAt } = frozen();
    const watch = quietConnection();
    watch.isConnected = false;
    expect(await append(api, watch)).toMatchObject({ outcome: 'not-written' });
    expect(endsAt).toEqual([]);
  });
});

describe('an append that the server refuses because its disk is full', () => {
  it('is not tried again: nothing was written, and the reason is told', async () => {
    for (const code of [10023, 10047, 10077, 10122]) {
      let asked = 0;
      const publish = () => {
        asked += 1;
        return Promise.reject(new StreamApiError(code, 'insufficient storage'));
      };
      const failure = await append({ publish } as unknown as StreamApi, quietConnection());
      expect(failure).toMatchObject({ code: 'log-unavailable', outcome: 'not-written' });
      expect(String(failure)).toContain("the log's disk is full; free space in the data directory");
      expect(asked).toBe(1);
    }
  });
});
