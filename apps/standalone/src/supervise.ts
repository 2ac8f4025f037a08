import { ensureNatsServer, type NatsServer } from '@shiplog/provisioner';
import { describeError, type Logger, type PlatformConfig } from '@shiplog/runtime';

const CHECK_EVERY_MS = 500;

/** Starts nats-server again when it ended. HAProxy is looked after by router-sync, which owns it. */
export const superviseNatsServer = (
  config: PlatformConfig,
  server: NatsServer,
  logger: Logger,
): { stop: () => void } => {
  let current = server;
  let busy = false;
  const check = async (): Promise<void> => {
    if (busy || current.isAlive()) return;
    busy = true;
    try {
      logger.warn({ pid: current.pid }, 'nats-server-ended');
      current = await ensureNatsServer(config);
      logger.info({ pid: current.pid }, 'nats-server-started');
    } catch (error) {
      logger.error({ error: describeError(error) }, 'nats-server-start-failed');
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void check(), CHECK_EVERY_MS);
  return { stop: () => clearInterval(timer) };
};
