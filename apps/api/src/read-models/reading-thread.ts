import { parentPort, workerData } from 'node:worker_threads';
import { serveReading, type Stretch } from '@shiplog/read-models';
import { openLog, type PlatformConfig } from '@shiplog/runtime';

if (parentPort === null) throw new Error('this is the script of a thread');
const { config, stretch } = workerData as { config: PlatformConfig; stretch: Stretch };
const opened = await openLog(config, 'api');
try {
  await serveReading(parentPort, opened.log, stretch);
} finally {
  await opened.close();
}
