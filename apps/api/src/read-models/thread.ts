import { parentPort, Worker, workerData } from 'node:worker_threads';
import { serveFill, type FillJob, type StartReading } from '@shiplog/read-models';
import { openLog, type PlatformConfig } from '@shiplog/runtime';
import { databaseIn } from './catch-up.js';

if (parentPort === null) throw new Error('this is the script of a thread');
const { config, job } = workerData as { config: PlatformConfig; job: FillJob };
const startReading: StartReading = (stretch, resourceLimits) =>
  new Worker(new URL('./reading-thread.js', import.meta.url), {
    workerData: { config, stretch },
    resourceLimits,
  });
const opened = await openLog(config, 'api');
try {
  await serveFill(parentPort, databaseIn(config), { log: opened.log, startReading }, job);
} finally {
  await opened.close();
}
