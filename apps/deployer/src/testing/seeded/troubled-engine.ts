import { EngineError, type ContainerEngine } from '../../containers/container-engine.port.js';
import type { Chance } from './chance.js';
import type { SimulatedEngine } from './simulated-engine.js';
import type { VirtualClock } from './virtual-clock.js';

export const HANGING_CALLS = [
  'list',
  'inspect',
  'create',
  'start',
  'stop',
  'policy',
  'log',
] as const;
type HangingCall = (typeof HANGING_CALLS)[number];

/** What is wrong with the way to the engine. */
export interface Trouble {
  /** An answer takes up to this long. */
  slowMs: number;
  /** How probable it is that a call fails before anything was done, or that its answer is lost. */
  failing: number;
  /** Calls of this kind are often not answered: it was done, is done much later, or never. */
  hanging: HangingCall | null;
  /** How much later than it was true an answer arrives, at most. */
  staleMs: number;
  /** So many creates find their name taken. */
  namesTaken: number;
}

type Told = (call: string, id: string, more: string) => void;

/** The engine as a process sees it: through a socket that is slow, breaks, and tells of what was. */
export class TroubledEngine implements ContainerEngine {
  private readonly streams = new Set<AbortController>();
  /** Of containers that a call which hangs is still at work on: when that ends. */
  private readonly locked = new Map<string, Promise<unknown>>();

  constructor(
    private readonly engine: SimulatedEngine,
    private readonly clock: VirtualClock,
    private readonly chance: Chance,
    readonly trouble: Trouble,
    /** Of each call that changes something, at the moment at which it is done. */
    private readonly told: Told,
  ) {}

  facts = () => this.call(() => this.engine.facts());
  list = () => this.call(() => this.engine.list(), 'list');
  inspect = (id: string) => this.call(() => this.engine.inspect(id), 'inspect', id);
  ensureNetwork = (name: string) => this.call(() => this.engine.ensureNetwork(name));
  hasImage = (id: string) => this.call(() => this.engine.hasImage(id));
  pull = (digest: string) => this.call(() => this.engine.pull(digest));
  removeNetwork = (name: string) => this.call(() => this.engine.removeNetwork(name));
  lastLines: ContainerEngine['lastLines'] = (id, query) =>
    this.call(() => this.engine.lastLines(id, query), 'log');

  create: ContainerEngine['create'] = (spec) =>
    this.call(() => {
      this.told('create', spec.name, '');
      if (this.trouble.namesTaken === 0) return this.engine.create(spec);
      this.trouble.namesTaken -= 1;
      throw new EngineError('name-taken', `creating ${spec.name}`, 'the name is in use');
    }, 'create');

  start = (id: string) =>
    this.call(
      () => {
        this.told('start', id, '');
        return this.engine.start(id);
      },
      'start',
      id,
    );

  stop = (id: string, graceSeconds: number) =>
    this.call(
      () => {
        this.told('stop', id, String(graceSeconds));
        return this.engine.stop(id, graceSeconds);
      },
      'stop',
      id,
    );

  setRestartPolicy: ContainerEngine['setRestartPolicy'] = (id, policy) =>
    this.call(
      () => {
        this.told('policy', id, policy);
        return this.engine.setRestartPolicy(id, policy);
      },
      'policy',
      id,
    );

  exec: ContainerEngine['exec'] = (id, command) =>
    this.call(() => this.engine.exec(id, command), 'other', id);
  resize: ContainerEngine['resize'] = (id, limits) =>
    this.call(() => this.engine.resize(id, limits), 'other', id);
  memoryInUse = (id: string) => this.call(() => this.engine.memoryInUse(id));

  volumes: ContainerEngine['volumes'] = {
    ensure: (spec) => this.call(() => this.engine.volumes.ensure(spec)),
    list: () => this.call(() => this.engine.volumes.list()),
    remove: (name) => this.call(() => this.engine.volumes.remove(name)),
    users: (name) => this.call(() => this.engine.volumes.users(name)),
    usage: () => this.call(() => this.engine.volumes.usage()),
  };

  remove = (id: string) =>
    this.call(
      () => {
        this.told('remove', id, '');
        return this.engine.remove(id);
      },
      'other',
      id,
    );

  watch: ContainerEngine['watch'] = async (watcher, signal) => {
    const stream = new AbortController();
    const end = (): void => stream.abort();
    signal.addEventListener('abort', end);
    this.streams.add(stream);
    const onNotice: typeof watcher.onNotice = (notice) =>
      void this.clock.after(5, () => {
        if (!stream.signal.aborted) watcher.onNotice(notice);
      });
    try {
      await this.engine.watch({ ...watcher, onNotice }, stream.signal);
    } finally {
      this.streams.delete(stream);
      signal.removeEventListener('abort', end);
    }
    if (!signal.aborted) throw unreachable('the stream broke');
  };

  /** Whoever watches has to begin anew, and misses what happens until then. */
  breakStreams(): void {
    for (const stream of this.streams) stream.abort();
  }

  private async hang(work: () => Promise<unknown>, kind: HangingCall, id?: string): Promise<never> {
    if (this.chance.isTrue(0.7)) {
      const late = this.clock.sleep(this.chance.int(0, DONE_WITHIN_MS));
      const locked = CHANGES.has(kind) ? id : undefined;
      void this.inTurn(() => late.then(work), locked).catch(() => undefined);
    }
    await this.clock.sleep(ANSWERED_WITHIN_MS);
    throw noAnswer();
  }

  /**
   * The engine holds a lock of each container: while a call that changes it is at work, the others about it wait, a
   * look at it, too. What is answered was therefore never overtaken by what was asked before.
   */
  private async inTurn<T>(work: () => Promise<T>, id: string | undefined): Promise<T> {
    if (id === undefined) return work();
    const before = this.locked.get(id) ?? Promise.resolve();
    const own = before.then(work);
    const end = own.then(
      () => undefined,
      () => undefined,
    );
    this.locked.set(id, end);
    void end.then(() => {
      if (this.locked.get(id) === end) this.locked.delete(id);
    });
    return own;
  }

  private async done<T>(work: () => Promise<T>, id: string | undefined): Promise<T> {
    if (id === undefined || !this.locked.has(id)) return work();
    const given = this.clock.sleep(ANSWERED_WITHIN_MS).then((): never => {
      throw noAnswer();
    });
    return Promise.race([this.inTurn(work, id), given]);
  }

  private async call<T>(
    work: () => Promise<T>,
    kind: HangingCall | 'other' = 'other',
    id?: string,
  ): Promise<T> {
    const { trouble, clock, chance } = this;
    if (kind !== 'other' && kind === trouble.hanging && chance.isTrue(0.5)) {
      return this.hang(work, kind, id);
    }
    await clock.sleep(chance.int(1, 4) + chance.int(0, trouble.slowMs));
    if (chance.isTrue(trouble.failing)) throw unreachable('nothing was sent');
    const result = await this.done(work, id);
    await clock.sleep(chance.int(0, 2) + chance.int(0, trouble.staleMs));
    if (chance.isTrue(trouble.failing)) throw unreachable('the answer was lost');
    return result;
  }
}

/** These hold the lock of their container while they are at work. */
const CHANGES: ReadonlySet<HangingCall> = new Set(['start', 'stop', 'policy']);

/** As the adapter's own: the call is given up, and nobody knows. */
const ANSWERED_WITHIN_MS = 60_000;
const DONE_WITHIN_MS = 100_000;

const unreachable = (said: string): EngineError =>
  new EngineError('engine-unreachable', 'asking the engine', said);

const noAnswer = (): EngineError =>
  new EngineError('no-answer', 'asking the engine', 'no answer within 60 s');
