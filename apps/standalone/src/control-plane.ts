import { prepareApi, startApi } from '@shiplog/api';
import { startBackup } from '@shiplog/backup';
import { startBuilder } from '@shiplog/builder';
import { startDeployer } from '@shiplog/deployer';
import type { ProcessName } from '@shiplog/events';
import { startGc } from '@shiplog/gc';
import { startMonitorAgent } from '@shiplog/monitor-agent';
import { startRouterSync } from '@shiplog/router-sync';
import {
  openContext,
  type Logger,
  type OpenContext,
  type PlatformConfig,
  type ProcessContext,
  type RunningProcess,
  type StartProcess,
} from '@shiplog/runtime';

/** All server processes, in the order in which they start; they stop in the opposite one. */
const PROCESSES: readonly (readonly [ProcessName, StartProcess])[] = [
  ['router-sync', startRouterSync],
  ['deployer', startDeployer],
  ['builder', startBuilder],
  ['gc', startGc],
  ['monitor-agent', startMonitorAgent],
  ['backup', startBackup],
  ['api', startApi],
];

export interface ControlPlane {
  readonly context: ProcessContext;
  /** Settles when the log cannot be followed any more. */
  readonly ended: Promise<Error | undefined>;
  stop(): Promise<void>;
}

/**
 * Every process of the platform in this one, each under its own NATS user, with one follower of the
 * log for all of them. What they share is read-only to them: the world and the feed.
 */
export const startControlPlane = async (
  config: PlatformConfig,
  logger: Logger,
): Promise<ControlPlane> => {
  const opened: OpenContext[] = [];
  const running: RunningProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const process of running.toReversed()) await process.stop();
    for (const context of opened.toReversed()) await context.close();
  };
  try {
    const api = await openContext(config, 'api', undefined, logger);
    opened.push(api);
    const shared = { feed: api.context.feed, world: api.context.world };
    const others = PROCESSES.filter(([name]) => name !== 'api').map(([name]) => name);
    const [contexts] = await Promise.all([
      Promise.all(others.map((name) => openContext(config, name, shared, logger))),
      shared.feed.start(),
      prepareApi(api.context),
    ]);
    opened.push(...contexts);
    const contextOf = new Map(opened.map(({ context }) => [context.process, context]));
    const starting = PROCESSES.map(async ([name, start]) => {
      const context = contextOf.get(name);
      if (context !== undefined) running.push(await start(context));
    });
    await Promise.all(starting);
    return { context: api.context, ended: shared.feed.ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
