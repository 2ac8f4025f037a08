import { setImmediate } from 'node:timers/promises';
import type { Container, ContainerSpec, EngineNotice, LogLine } from './container-engine.port.js';

export type Entry = { memoryInUse: number } & { -readonly [K in keyof Container]: Container[K] } & {
  readonly spec: ContainerSpec;
  readonly lines: LogLine[];
};

/**
 * What the programs of the fake do, by the first word of their command: `serve` runs until it is
 * stopped, `exit N` ends at once with N, `print TEXT` says something and runs on, `deaf` takes no notice of SIGTERM.
 */
export const PROGRAMS = {
  serve: ['serve'],
  exit: (code: number) => ['exit', String(code)],
  print: (text: string) => ['print', text],
  deaf: ['deaf'],
} as const;

/** One engine, shared by several platforms as in reality. */
export class InMemoryHost {
  readonly entries = new Map<string, Entry>();
  readonly images = new Set<string>();
  readonly watchers = new Set<{ platform: string; notice: (notice: EngineNotice) => void }>();
  /** Image ids by digest: what can be pulled. */
  readonly registry = new Map<string, string>();
  /** A pull takes until this resolves. */
  pulling: Promise<void> = Promise.resolve();
  readonly volumes = new Map<
    string,
    { readonly labels: Readonly<Record<string, string>>; bytes: number }
  >();
  /** Platform by name. */
  readonly networks = new Map<string, string>();
  /** Calls answer `engine-unreachable` while set. */
  isDown = false;
  /** So many starts from now on find their port taken by somebody outside. */
  portsTaken = 0;
  /** So many starts from now on find their address taken. */
  addressesTaken = 0;
  /** So many starts from now on are refused, as by a daemon that is ending. */
  startsRefused = 0;
  /** Limits of running containers cannot be changed while set. */
  isResizeRefused = false;
  /** Containers that never start again. */
  readonly broken = new Set<string>();
  /** Containers that are listed and cannot be inspected. */
  readonly damaged = new Set<string>();
  /** Logs cannot be read while set: their files are damaged. */
  isLogDamaged = false;
  /** How often a program was started, by instance id: nothing may start twice at the same time. */
  readonly starts = new Map<string, number>();
  /** A program has been started. */
  onLaunch: () => void = () => undefined;
  private ids = 0;
  private runs = 0;

  constructor(
    readonly nowMs: () => number = Date.now,
    /** How long an answer takes. */
    readonly turn: () => Promise<void> = () => setImmediate(),
  ) {}

  /** Six digits below the millisecond. */
  nextRun(): string {
    this.runs += 1;
    return this.runs.toString().padStart(6, '0');
  }

  newId(): string {
    this.ids += 1;
    return this.ids.toString(16).padStart(64, '0');
  }
}
