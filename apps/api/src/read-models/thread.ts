import { parentPort, workerData } from 'node:worker_threads';
import { serveFill, type FillJob } from '@shiplog/read-models';
import { openLog, type PlatformConfig } from '@shiplog/runtime';
import { databaseIn } from './catch-up.js';
import { readingThreadOf } from './start-reading.js';

if (parentPort === null) throw new Error('this is the script of a thread');
const { config, job } = workerData as { config: PlatformConfig; job: FillJob };
const opened = await openLog(config, 'api');
try {
  const source = { log: opened.log, startReading: readingThreadOf(config) };
  await serveFill(parentPort, databaseIn(config), source, job);
} finally {
  await opened.close();
}
