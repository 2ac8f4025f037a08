import type { ProcessName } from '@shiplog/events';
import { register } from 'prom-client';
import { readConfig, type PlatformConfig } from './config.js';
import { describeError } from './errors.js';
import { startHealthServer } from './health-server.js';
import { createLogger, type Logger } from './logging.js';
import { openContext } from './open-context.js';
import type { PrepareProcess, StartProcess } from './process-context.js';
import { ReadinessProbe } from './readiness.js';

/** A stop that takes longer than this ends the process anyway; whoever supervises it starts it again. */
const STOP_TIMEOUT_MS = 20_000;

/**
 * The whole `main.ts` of a server process: config from the environment, context, feed, process; on
 * SIGTERM or SIGINT everything is stopped in the opposite order. Exits 1 when the feed cannot go on.
 */
export const runProcess = async (
  name: ProcessName,
  start: StartProcess,
  prepare: PrepareProcess = () => Promise.resolve(),
): Promise<void> => {
  let logger = createLogger('info');
  try {
    const config = readConfig(process.env);
    logger = createLogger(config.logLevel);
    await run({ name, start, prepare }, config, logger);
  } catch (error) {
    logger.error({ process: name, error: describeError(error) }, 'process-failed');
    process.exitCode = 1;
  }
  // What a library left open must not keep a finished process alive.
  setTimeout(() => process.exit(), 1_000).unref();
};

interface Process {
  readonly name: ProcessName;
  readonly start: StartProcess;
  readonly prepare: PrepareProcess;
}

const run = async (
  { name, start, prepare }: Process,
  config: PlatformConfig,
  logger: Logger,
): Promise<void> => {
  const stopSignal = nextStopSignal();
  const opened = await openContext(config, name, undefined, logger);
  const { context } = opened;
  await Promise.all([context.feed.start(), prepare(context)]);
  const running = await start(context);
  const readiness = new ReadinessProbe(context.log, context.feed);
  const health =
    config.healthPort === undefined
      ? undefined
      : await startHealthServer({
          port: config.healthPort,
          host: config.bind,
          ready: () => assertReady(readiness),
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

const assertReady = async (readiness: ReadinessProbe): Promise<void> => {
  const { ready, reason } = await readiness.check();
  if (!ready) throw new Error(reason ?? 'not ready');
};

const nextStopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });
