import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { CommandByAggregate } from '@shiplog/domain';
import { Keyring, MasterKey } from '@shiplog/secrets';
import { onOwnAccount, pathsOf, type ProcessContext } from '@shiplog/runtime';
import { askInstance, type AskInstance } from '../probes/probe.js';
import { findReach, type FindReach } from '../probes/reach.js';
import { askCheckWith, type AskCheck } from '../health/ask-check.js';
import { laterByClock, type Later } from '../health/later.js';
import { sleepReally, type Sleep } from '../probes/sleep.js';
import type { ContainerEngine } from './container-engine.port.js';
import { CronClock } from './cron-dues.js';
import { AddressAllocator } from './networks.js';
import { RoundCalls } from './in-round.js';
import { Notes } from './notes.js';
import { EngineView } from './observe.js';
import { plan } from './plan.js';
import { PortAllocator, sliceOf } from './ports.js';
import { TaskRunner } from './task-runner.js';
import { Traffic } from './traffic.js';

/** Which request a fact belongs to: the newest intent about the app. */
interface Cause {
  readonly correlation: string;
  readonly causation: string;
}

type FactAggregate = 'rollout' | 'instance' | 'run' | 'volume';

export interface WorkbenchOptions {
  readonly onStepError: (step: string, error: unknown) => void;
  /** How an instance is asked whether it is ready. Default: over its sockets. */
  readonly ask?: AskInstance;
  /** How it is found out whether its address can be used from here. Default: over a socket. */
  readonly findReach?: FindReach;
  /** How a health check is asked. Default: over its sockets, or by a command in it. */
  readonly askCheck?: AskCheck;
  /** When health checks are asked. Default: by the clock. */
  readonly later?: Later;
  readonly nowMs?: () => number;
  readonly isPortFree?: (port: number) => Promise<boolean>;
  /** Time and chance: a simulation has its own, so that a life can be lived again. */
  readonly sleep?: Sleep;
  readonly randomBytes?: (count: number) => Uint8Array;
  /** How the next steps are decided. Tests put mistakes in here, to see that they are found. */
  readonly plan?: typeof plan;
}

/** Everything that the steps of the deployer work with. Nothing in it outlives the process. */
export class Workbench {
  readonly view: EngineView;
  readonly notes = new Notes();
  readonly tasks: TaskRunner;
  readonly ports: PortAllocator;
  readonly addresses: AddressAllocator;
  readonly keyring: Keyring;
  readonly traffic: Traffic;
  readonly roundCalls: RoundCalls;
  readonly abort = new AbortController();
  /** Apps that the next round plans. */
  readonly dirty = new Set<string>();
  readonly causes = new Map<string, Cause>();
  /** Runs that a session of this process is joined with: what they come to is its business. */
  readonly joined = new Set<string>();
  readonly cronClock = new CronClock();
  /** Containers that the log does not tell of and that were reported. */
  readonly judged = new Set<string>();
  /** Steps that failed for no reason we know: when the instance or app is taken up again. */
  private readonly pauses = new Map<string, { readonly count: number; readonly untilMs: number }>();
  /** Set by who keeps the volumes: the engine said that one is not there. */
  volumeMissed: () => void = () => undefined;
  /** Set by the loop. */
  wake: () => void = () => undefined;

  readonly ask: AskInstance;
  readonly askCheck: AskCheck;
  readonly later: Later;
  readonly findReach: FindReach;
  readonly nowMs: () => number;
  readonly sleep: Sleep;
  readonly randomBytes: (count: number) => Uint8Array;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly plan: typeof plan;
  readonly onStepError: (step: string, error: unknown) => void;

  constructor(
    readonly context: ProcessContext,
    readonly engine: ContainerEngine,
    options: WorkbenchOptions,
  ) {
    const { config } = context;
    // Every probe that pauses listens to it; there may be hundreds.
    setMaxListeners(0, this.abort.signal);
    this.ask = options.ask ?? askInstance;
    this.askCheck = options.askCheck ?? askCheckWith(engine);
    this.later = options.later ?? laterByClock;
    this.findReach = options.findReach ?? findReach;
    this.nowMs = options.nowMs ?? Date.now;
    this.sleep = options.sleep ?? sleepReally;
    this.randomBytes = options.randomBytes ?? randomBytes;
    this.plan = options.plan ?? plan;
    this.onStepError = options.onStepError;
    this.roundCalls = new RoundCalls(this.sleep);
    this.random = () => Buffer.from(this.randomBytes(4)).readUInt32LE() / 2 ** 32;
    this.addresses = new AddressAllocator(this.random);
    this.view = new EngineView(engine, {
      onHidden: (containerId, { said }) =>
        context.logger.warn({ containerId, said }, 'container-not-shown'),
      onLate: () => this.wake(),
      sleep: this.sleep,
    });
    this.tasks = new TaskRunner({
      ...{ error: this.onStepError, end: () => this.wake(), later: this.later },
    });
    this.ports = new PortAllocator(config.instancePorts ?? sliceOf(config.platform), {
      nowMs: this.nowMs,
      isFree: options.isPortFree,
      random: this.random,
    });
    this.traffic = new Traffic(context.world);
    this.keyring = new Keyring(pathsOf(config.home).keys, new MasterKey(config.masterKeyFile));
  }

  /** The engine answers, for the first time or again: everything is looked at and tried anew. */
  engineOpened(): void {
    this.view.distrust();
    this.notes.retryAll();
    this.wake();
  }

  nudge(appId: string): void {
    this.dirty.add(appId);
    this.wake();
  }

  /** After a step that failed: 1 s doubling to 30 s, so that nothing fails in a hot loop. */
  pause(key: string): void {
    const count = (this.pauses.get(key)?.count ?? 0) + 1;
    const untilMs = this.nowMs() + Math.min(30_000, 500 * 2 ** count);
    this.pauses.set(key, { count, untilMs });
  }

  unpause(key: string): void {
    this.pauses.delete(key);
  }

  /** Until when the key is left alone; null when it is not. */
  pausedUntilMs(key: string): number | null {
    const untilMs = this.pauses.get(key)?.untilMs ?? 0;
    return untilMs > this.nowMs() ? untilMs : null;
  }

  /** Appends what was observed or done. Refused ones are stale observations: the next round sees why. */
  async record<A extends FactAggregate>(
    aggregate: A,
    of: { readonly id: string; readonly appId: string },
    command: CommandByAggregate[A],
  ): Promise<boolean> {
    const result = await this.context.commands.handle(
      aggregate,
      of.id,
      command,
      onOwnAccount(this.context, this.causes.get(of.appId)),
    );
    if (result.outcome === 'accepted') return result.events.length > 0;
    this.context.logger.debug({ id: of.id, command: command.type, result }, 'fact-refused');
    this.dirty.add(of.appId);
    return false;
  }
}
