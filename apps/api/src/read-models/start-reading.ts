import { Worker } from 'node:worker_threads';
import type { StartReading } from '@shiplog/read-models';
import type { PlatformConfig } from '@shiplog/runtime';

/** Reads a long stretch of the log in a thread of its own. */
export const readingThreadOf =
  (config: PlatformConfig): StartReading =>
  (stretch, resourceLimits) =>
    new Worker(new URL('./reading-thread.js', import.meta.url), {
      workerData: { config, stretch },
      resourceLimits,
    });
