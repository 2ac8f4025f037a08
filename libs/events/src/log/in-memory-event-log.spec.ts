import { describeEventLog } from '../testing/index.js';
import { InMemoryEventLog } from './in-memory-event-log.js';

describeEventLog('in memory', () => {
  const log = new InMemoryEventLog();
  return Promise.resolve({ log, isDense: true, close: () => log.close() });
});
