import { parentPort, workerData } from 'node:worker_threads';
import { openLog, type PlatformConfig } from '@shiplog/runtime';
import { openCheckpointStores } from './checkpoint-stores.js';
import { verifyAgainst, type VerifyJob } from './verify-aside.js';

if (parentPort === null) throw new Error('this is the script of a thread');
const { config, job } = workerData as { config: PlatformConfig; job: VerifyJob };
const opened = await openLog(config, 'api');
const stores = await openCheckpointStores(config);
try {
  // It is ended from outside.
  const { signal } = new AbortController();
  for await (const line of verifyAgainst(opened.log, stores, job, signal))
    parentPort.postMessage(line);
} finally {
  await stores.table.close();
  await opened.close();
}
