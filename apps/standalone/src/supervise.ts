import { ensureNatsServer, inspectHealth, provision, type NatsServer } from '@shiplog/provisioner';
import {
  describeError,
  diskObstacle,
  pathsOf,
  type Logger,
  type PlatformConfig,
} from '@shiplog/runtime';

const CHECK_EVERY_MS = 500;
const HEALTH_EVERY_MS = 5_000;
/** A limit set on the log by hand would delete history: that is found within a minute. */
const ASSERT_EVERY_MS = 60_000;

/**
 * Starts nats-server again when it ended, or when it takes no commits any more although the disk has room
 * again. HAProxy is looked after by router-sync, which owns it.
 */
export const superviseNatsServer = (
  config: PlatformConfig,
  server: NatsServer,
  logger: Logger,
): { stop: () => void } => {
  let current = server;
  let busy = false;
  const obstacle = diskObstacle(pathsOf(config.home).natsStore);

  const restart = async (reason: string): Promise<void> => {
    logger.warn({ pid: current.pid, reason }, 'nats-server-restarting');
    current = await ensureNatsServer(config);
    logger.info({ pid: current.pid, how: current.how }, 'nats-server-running');
  };
  const checkAlive = async (): Promise<void> => {
    if (!current.isAlive()) await restart('it ended');
  };
  const checkHealth = async (): Promise<void> => {
    const illness = await inspectHealth(config, 1_000);
    if (illness === undefined) return;
    const full = await obstacle();
    if (full === undefined) await restart(illness);
    else logger.error({ error: full }, 'log-takes-no-commits');
  };
  const assert = (): Promise<void> => provision(config);

  /** One check at a time: two starts of one server would meet at its lock. */
  const every = (ms: number, check: () => Promise<void>): NodeJS.Timeout =>
    setInterval(() => {
      if (busy) return;
      busy = true;
      check()
        .catch((error: unknown) =>
          logger.error({ error: describeError(error) }, 'log-check-failed'),
        )
        .finally(() => (busy = false));
    }, ms);
  const timers = [
    every(CHECK_EVERY_MS, checkAlive),
    every(HEALTH_EVERY_MS, checkHealth),
    every(ASSERT_EVERY_MS, assert),
  ];
  return { stop: () => timers.forEach(clearInterval) };
};
