import { parentPort, workerData } from 'node:worker_threads';
import { servePast, type PastJob } from '@shiplog/read-models';
import { openLog, type PlatformConfig } from '@shiplog/runtime';
import { readingThreadOf } from './start-reading.js';

if (parentPort === null) throw new Error('this is the script of a thread');
const { config, job } = workerData as { config: PlatformConfig; job: PastJob };
const opened = await openLog(config, 'api');
try {
  await servePast(parentPort, { log: opened.log, startReading: readingThreadOf(config) }, job);
} finally {
  await opened.close();
}
