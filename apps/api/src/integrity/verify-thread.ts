import { parentPort, workerData } from 'node:worker_threads';
import { openLog, type PlatformConfig } from '@shiplog/runtime';
import { verifyLog, type VerifyJob } from './verify.js';

if (parentPort === null) throw new Error('this is the script of a thread');
const { config, job } = workerData as { config: PlatformConfig; job: VerifyJob };
const opened = await openLog(config, 'api');
try {
  // It is ended from outside.
  const { signal } = new AbortController();
  for await (const line of verifyLog(opened.log, job, signal)) parentPort.postMessage(line);
} finally {
  await opened.close();
}
