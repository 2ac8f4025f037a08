import type { ProcessName } from '@shiplog/events';
import { register } from 'prom-client';
import { readConfig, type PlatformConfig } from './config.js';
import { describeError } from './errors.js';
import { startHealthServer } from './health-server.js';
import { createLogger, type Logger } from './logging.js';
import { openContext } from './open-context.js';
import type { ProcessContext, StartProcess } from './process-context.js';

/** A stop that takes longer than this ends the process anyway; whoever supervises it starts it again. */
const STOP_TIMEOUT_MS = 20_000;

/**
 * The whole `main.ts` of a server process: config from the environment, context, feed, process; on
 * SIGTERM or SIGINT everything is stopped in the opposite order. Exits 1 when the feed cannot go on.
 */
export const runProcess = async (name: ProcessName, start: StartProcess): Promise<void> => {
  let logger = createLogger('info');
  try {
    const config = readConfig(process.env);
    logger = createLogger(config.logLevel);
    await run(name, start, config, logger);
  } catch (error) {
    logger.error({ process: name, error: describeError(error) }, 'process-failed');
    process.exitCode = 1;
  }
  // What a library left open must not keep a finished process alive.
  setTimeout(() => process.exit(), 1_000).unref();
};

const run = async (
  name: ProcessName,
  start: StartProcess,
  config: PlatformConfig,
  logger: Logger,
): Promise<void> => {
  const stopSignal = nextStopSignal();
  const opened = await openContext(config, name, undefined, logger);
  const { context } = opened;
  await context.feed.start();
  const running = await start(context);
  const health =
    config.healthPort === undefined
      ? undefined
      : await startHealthServer({
          port: config.healthPort,
          host: config.bind,
          ready: () => checkReady(context),
          metrics: () => register.metrics(),
        });
  logger.info({ process: name }, 'process-started');

  const ended = await Promise.race([stopSignal, context.feed.ended]);
  logger.info({ process: name }, 'process-stopping');
  setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
  await health?.close();
  await running.stop();
  await opened.close();
  if (ended instanceof Error) throw ended;
};

const nextStopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });

const READY_TIMEOUT_MS = 2_000;

/** The log answers soon, and everything in it has been read. */
const checkReady = async ({ log, feed }: ProcessContext): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`the log does not answer within ${READY_TIMEOUT_MS} ms`);
    timer = setTimeout(() => reject(error), READY_TIMEOUT_MS);
  });
  try {
    const head = await Promise.race([log.head(), late]);
    await feed.reach(head, READY_TIMEOUT_MS);
  } finally {
    clearTimeout(timer);
  }
};
