import { parentPort, workerData } from 'node:worker_threads';
import { SealedLines } from '@shiplog/integrity';
import { serveReading, type Stretch } from '@shiplog/read-models';
import { openLog, type PlatformConfig } from '@shiplog/runtime';
import { openCheckpointStores } from '../integrity/checkpoint-stores.js';

if (parentPort === null) throw new Error('this is the script of a thread');
const { config, stretch } = workerData as { config: PlatformConfig; stretch: Stretch };
const opened = await openLog(config, 'api');
const { table } = await openCheckpointStores(config);
const lines = new SealedLines(opened.log, table);
try {
  await serveReading(parentPort, (after, limit) => lines.read(after, limit), stretch);
} finally {
  await table.close();
  await opened.close();
}
