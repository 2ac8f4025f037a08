import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll } from 'vitest';
import { startEsdb, type TestEsdb } from '../../../../test/support/esdb/start-esdb.js';
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

// A real server, where somebody has one: EVENTSTORE_URL=esdb://127.0.0.1:2113?tls=false
const url = process.env['EVENTSTORE_URL'];
if (url !== undefined) {
  describeEventLog(`EventStoreDB at ${url}`, () => {
    const log = open(url, newName());
    return Promise.resolve({ log, isDense: false, close: () => log.close() });
  });
}
