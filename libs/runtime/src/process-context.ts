import type { Bus } from '@shiplog/bus';
import { CommandHandler, type CommandContext } from '@shiplog/commands';
import type { World } from '@shiplog/domain';
import type { Actor, ProcessName } from '@shiplog/events';
import type { EventLog, LogFeed } from '@shiplog/events/log';
import type { Logger } from 'pino';
import type { PlatformConfig } from './config.js';

/**
 * What every server process is given. In `standalone` all processes share one feed and world and
 * have a log and a bus of their own, under their own NATS user.
 */
export interface ProcessContext {
  readonly process: ProcessName;
  readonly config: PlatformConfig;
  readonly log: EventLog;
  readonly feed: LogFeed;
  readonly world: World;
  readonly bus: Bus;
  readonly logger: Logger;
  readonly commands: CommandHandler;
  /** This process as an actor, for facts it appends on its own account. */
  readonly actor: Actor;
}

/** `commands.handle(aggregate, id, command, onOwnAccount(context))`: facts that a worker observed. */
export const onOwnAccount = (
  context: Pick<ProcessContext, 'actor'>,
  more: Partial<CommandContext> = {},
): CommandContext => ({ actor: context.actor, ...more });

/** A started process. `stop` ends it without touching the world it acts on. */
export interface RunningProcess {
  stop(): Promise<void>;
}

/** What `apps/<process>/src/index.ts` exports. The feed is started and caught up when it is called. */
export type StartProcess = (context: ProcessContext) => Promise<RunningProcess>;

/**
 * What a process does before its feed is caught up, while the feed reads. It fails by itself or not at
 * all: whoever starts the process goes on.
 */
export type PrepareProcess = (
  context: Pick<ProcessContext, 'config' | 'log' | 'feed' | 'logger'>,
) => Promise<void>;

export interface ContextParts extends Omit<ProcessContext, 'commands' | 'actor' | 'logger'> {
  readonly logger: Logger;
}

export const processContext = (parts: ContextParts): ProcessContext => ({
  ...parts,
  logger: parts.logger.child({ process: parts.process }),
  commands: new CommandHandler({ log: parts.log, feed: parts.feed, world: parts.world }),
  actor: { kind: 'process', id: parts.process, name: parts.process },
});
