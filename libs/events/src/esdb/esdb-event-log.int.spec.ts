import { EventStoreDBClient, binaryEvent } from '@eventstore/db-client';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEsdb, type TestEsdb } from '../../../../test/support/esdb/start-esdb.js';
import { START } from '../sequence.js';
import { appendMany, newStream } from '../testing/commits.js';
import { describeEventLog } from '../testing/event-log.contract.js';
import { EsdbEventLog } from './esdb-event-log.js';

const open = (connectionString: string, name: string): EsdbEventLog =>
  new EsdbEventLog({ connectionString, name, credentials: undefined, process: 'api' });

/** A log of its own among the others of one server. */
const newName = (): string => `t${uuidv7().replaceAll('-', '')}`;

let esdb: TestEsdb;
beforeAll(async () => {
  esdb = await startEsdb();
});
afterAll(() => esdb.close());

describeEventLog('EventStoreDB, the double of it over the real client', () => {
  const log = open(esdb.url, newName());
  return Promise.resolve({
    log,
    isDense: false,
    interrupt: () => esdb.restart(),
    close: () => log.close(),
  });
});

describe('a log beside much that is not its own', () => {
  it('is read through events of megabytes of another program, page by page', async () => {
    const log = open(esdb.url, newName());
    const other = EventStoreDBClient.connectionString(esdb.url);
    const stream = newStream();
    const end = await appendMany(log, stream, 1);
    const data = Buffer.alloc(900_000, 'x');
    for (let i = 0; i < 12; i += 1) {
      await other.appendToStream(`other-${stream}`, binaryEvent({ type: 'Photo', data }));
    }
    await appendMany(log, stream, 1, end);
    const read = await log.readAfter(START, 10);
    expect(read.map(({ commit }) => commit.to)).toEqual([1, 2]);
    const seen: number[] = [];
    const following = log.follow(START, (batch) => void seen.push(batch.length));
    await expect.poll(() => seen.reduce((sum, n) => sum + n, 0)).toBe(2);
    await following.stop();
    await Promise.all([log.close(), other.dispose()]);
  });
});

// A real server, where somebody has one: EVENTSTORE_URL=esdb://127.0.0.1:2113?tls=false
const url = process.env['EVENTSTORE_URL'];
if (url !== undefined) {
  describeEventLog(`EventStoreDB at ${url}`, () => {
    const log = open(url, newName());
    return Promise.resolve({ log, isDense: false, close: () => log.close() });
  });
}
