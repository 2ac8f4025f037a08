import type { Limits, Settings } from '@shiplog/events';
import { OperationalError } from '@shiplog/runtime';
import type { Mount, VolumeStore } from './volume-store.js';

export type ContainerStatus =
  'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

/** One container of our platform as the engine tells it. */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** From its labels; null where the label is missing. */
  readonly instanceId: string | null;
  readonly appId: string | null;
  readonly status: ContainerStatus;
  /** Start of its newest run, null before the first. Equal strings are the same run. */
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** Of its newest run that ended; null while none has. */
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** Starts by the engine's own restart policy. */
  readonly restartCount: number;
  readonly restartPolicy: RestartPolicy;
  /** On the engine's host; null while it does not run. */
  readonly pid: number | null;
  /** As the engine enforces them; null where it does not tell. */
  readonly limits: Limits | null;
}

/** `unless-stopped`: crashes and reboots are answered by the engine alone, without any of our processes. */
export type RestartPolicy = 'no' | 'unless-stopped';

/** What has to be known to create a container. Everything in it is data; nothing is a shell's. */
export interface ContainerSpec {
  readonly name: string;
  readonly imageId: string;
  /** Null: the image's own command. */
  readonly command: readonly string[] | null;
  /** The command is all that is run: an image's entrypoint is made for its server. */
  readonly isWhole?: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly network: string;
  /** Its address in the network at every start; null: the engine chooses. */
  readonly address: string | null;
  /** On loopback, or another address of the host that other machines do not reach. */
  readonly publish: { readonly hostPort: number; readonly containerPort: number } | null;
  readonly limits: Limits;
  readonly surroundings: Surroundings;
  /** Volumes that are there already: none is made for it. */
  readonly mounts?: readonly Mount[];
}

/** What a container gets when it is made, and keeps for life. */
export type Surroundings = Pick<
  Settings,
  | 'ioReadBps'
  | 'ioWriteBps'
  | 'ioReadIops'
  | 'ioWriteIops'
  | 'ulimits'
  | 'shmBytes'
  | 'readOnlyRoot'
  | 'tmpfs'
  | 'runtime'
>;

export interface LogLine {
  /** ISO 8601, UTC, nanoseconds. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** IPv4 addresses of a network that the engine never chooses by itself, first and last included. */
export interface AddressRange {
  readonly from: string;
  readonly to: string;
  /** Behind them: where the network's own name server is. */
  readonly resolver: string;
}

/** Something happened to a container: look at it again. */
export interface EngineNotice {
  readonly containerId: string;
  readonly what: 'started' | 'die' | 'oom' | 'signalled' | 'changed';
  /** What it was sent, by whomever: `SIGTERM`, `SIGKILL`, …; only with `signalled`. */
  readonly signal?: string;
  readonly exitCode: number | null;
  /** Milliseconds since the epoch by the engine's clock, which is that of `Container.startedAt`. */
  readonly atMs: number;
}

export interface EngineWatcher {
  readonly onOpen: () => void;
  readonly onNotice: (notice: EngineNotice) => void;
}

export interface EngineFacts {
  readonly name: string;
  readonly version: string;
  readonly apiVersion: string;
}

/**
 * The engine and what it runs for one platform. Nothing without the platform's label is seen or touched.
 * Every call ends: one that is not answered in time throws `no-answer`, and nobody knows whether it was done.
 */
export interface ContainerEngine {
  readonly volumes: VolumeStore;
  facts(): Promise<EngineFacts>;

  /** Ids and status of all containers of the platform, running or not. An error is never an empty list. */
  list(): Promise<readonly { id: string; instanceId: string | null; status: ContainerStatus }[]>;

  /** Undefined when there is no such container. */
  inspect(id: string): Promise<Container | undefined>;

  /**
   * Makes the network of a team if it is missing. Null where all of its addresses are the engine's to
   * give: it was made in another way, and something is in it.
   */
  ensureNetwork(name: string, teamId: string): Promise<AddressRange | null>;

  /**
   * Creates the container, its network first, and returns its id. On repetition (same name and
   * instance label): the id of the one that is there. Never pulls: throws `image-missing`,
   * `volume-missing`, `name-taken`, …
   */
  create(spec: ContainerSpec): Promise<string>;

  /** On a running container: nothing. Throws `port-taken`, `address-taken`, `network-missing`, `no-such-executable`, `not-executable`, … */
  start(id: string): Promise<void>;

  /** The image's stop signal, then SIGKILL after the grace period; both are noticed. On a stopped or missing one: nothing. */
  stop(id: string, graceSeconds: number): Promise<void>;

  /**
   * Runs a command in a running container, without a shell, and waits for its end; `exitCode` is null when it
   * took longer, and it is killed then. Throws `no-such-executable`, `not-executable`, `container-missing`;
   * `engine-refused` where nothing runs in it.
   */
  exec(id: string, command: readonly string[], timeoutMs: number): Promise<ExecResult>;

  /** On a missing one: nothing. */
  setRestartPolicy(id: string, policy: RestartPolicy): Promise<void>;

  /** Changes the limits of a container, while it runs, too. On a missing one: nothing. Throws `unsupported`. */
  resize(id: string, limits: Limits): Promise<void>;

  /** Memory of a running container that could not be taken from it; null where it is not known. */
  memoryInUse(id: string): Promise<number | null>;

  /** Removes a container that does not run. On a missing one: nothing. */
  remove(id: string): Promise<void>;

  hasImage(imageId: string): Promise<boolean>;

  /** Pulls by digest; throws `pull-failed`. */
  pull(repoDigest: string): Promise<void>;

  /** Removes the network if nothing uses it any more. On a missing one, one in use or somebody else's: nothing. */
  removeNetwork(name: string): Promise<void>;

  /** The last lines, oldest first; empty for a missing container. */
  lastLines(id: string, query: LogQuery): Promise<readonly LogLine[]>;

  /**
   * Tells what happens from `onOpen` on, until the signal: what happened before has to be looked at.
   * Resolves after the signal, rejects when the engine broke the stream off.
   */
  watch(watcher: EngineWatcher, signal: AbortSignal): Promise<void>;
}

export interface ExecResult {
  readonly exitCode: number | null;
  /** The begin of what it wrote. */
  readonly output: string;
  /** The end of what it wrote to stdout, then that of stderr. */
  readonly tail: string;
}

export interface LogQuery {
  readonly lines: number;
  /** ISO times; both open when absent. */
  readonly since?: string;
  readonly until?: string;
}

export type EngineErrorCode =
  | 'engine-unreachable'
  /** It took the call and said nothing in time: of this call only, others may be answered. */
  | 'no-answer'
  | 'image-missing'
  | 'port-taken'
  /** Another container has it, or the network has no such address any more. */
  | 'address-taken'
  /** Somebody else's container is called so. */
  | 'name-taken'
  /** Somebody removed it; a container that ran in it never runs again, not even in its successor. */
  | 'network-missing'
  | 'no-such-executable'
  | 'not-executable'
  | 'container-missing'
  | 'pull-failed'
  /** A volume that was made once is not there: what was in it is lost, or its disk is not mounted. */
  | 'volume-missing'
  | 'volume-in-use'
  /** This machine or its engine has no such thing: a limit, a container runtime. */
  | 'unsupported'
  | 'engine-refused';

/** What the engine said, in one word for us and in its own words. */
export class EngineError extends OperationalError {
  constructor(
    readonly code: EngineErrorCode,
    doing: string,
    /** The engine's own sentence, for the explanation a user reads. */
    readonly said: string,
    options?: ErrorOptions,
  ) {
    super(doing, options);
  }
  /** It may have been done, or not, or be done later: look before it is done again. */
  get isUnknown(): boolean {
    return this.code === 'engine-unreachable' || this.code === 'no-answer';
  }
  /** The rest comes back the same until somebody changes the app. */
  get retryable(): boolean {
    return !PERMANENT.has(this.code);
  }
}

const PERMANENT: ReadonlySet<EngineErrorCode> = new Set([
  'no-such-executable',
  'not-executable',
  'unsupported',
  'volume-missing',
]);

/** Where the engine would make an empty volume by itself. */
export const volumeMissing = (volume: string, doing: string): EngineError =>
  new EngineError(
    'volume-missing',
    doing,
    `the volume ${volume} is not on this engine any more, and an empty one must not take its place unasked`,
  );
