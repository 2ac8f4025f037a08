import type { TrafficCounters } from '@shiplog/domain';
import { faultPoint, type PlatformConfig } from '@shiplog/runtime';
import { actualRoutes, type AskableWorkers } from './actual-routes.js';
import { translate, type Translation } from './commands.js';
import { newPorts } from './growth.js';
import { forgetTouched, isWithin } from './touched.js';
import { readPool } from './files.js';
import { OldWorkers } from './old-workers.js';
import { grow } from './process.js';
import { StateParts } from './parts.js';
import { backendsOf, readState, workerIn, type KnownSlots } from './read.js';
import { readBack } from './read-back.js';
import { HaproxyRuntime } from './runtime.js';
import { holdsAll, stateAfter } from './state-after.js';
import { StateFiles } from './state-files.js';
import { parseMap, type HaproxyState } from './state.js';
import { parseTraffic, underWayIn } from './traffic.js';
import { FILES } from './file-names.js';
import { portOfProxy } from './tcp.js';
import type { PoolSize } from './render.js';
import {
  RouterError,
  type ActualRoutes,
  type RouteAction,
  type Router,
  type UnderWay,
} from '../routes/router.port.js';
import { isFree } from '../routes/listeners.js';
import type { RouterPaths } from '../routes/router-paths.js';

/** Slots are read again although nobody touched them. */
const WHOLE_EVERY_MS = 60_000;
interface Observed {
  readonly state: HaproxyState;
  /** All that it was a look at; absent: it was one at everything. */
  readonly backends?: readonly string[];
}

interface Translated extends Observed {
  readonly translation: Translation;
}

interface Whole {
  readonly worker: string;
  readonly parts: () => StateParts;
}

/** After a try that failed; each one has HAProxy load the whole configuration. */
const GROW_AGAIN_MS = 30_000;
/** It is only asked for: HAProxy loads nothing while it is taken. */
const PORT_AGAIN_MS = 1_000;

/**
 * Routes in HAProxy's maps and server slots. What is known of them was read from HAProxy: all of it, and since then what we
 * touched. Nobody else changes them; another worker, or something read that we did not write, has all of it read again.
 */
export class HaproxyRouter implements Router {
  readonly kind = 'haproxy';
  private readonly workers: AskableWorkers;
  private readonly runtime: HaproxyRuntime;
  /** Slots that nobody touched since they were read; undefined: all are read. */
  private known: KnownSlots | undefined;
  private wholeAtMs = 0;
  /** As the last look saw it, until the next change. */
  private observed: Observed | undefined;
  /** All of it, and the worker that said so. */
  private whole: Whole | undefined;
  /** All of it as it was read just after it began with it. */
  private begunWith: HaproxyState | undefined;
  private readonly files: StateFiles;
  private readonly lastOwners = new Map<string, string>();
  private pool: PoolSize | undefined;
  private full: { readonly reason: RouterError; readonly untilMs: number } | undefined;
  /** Do the files beside the configuration hold what HAProxy holds? */
  private isSaved = false;

  constructor(
    private readonly config: PlatformConfig,
    private readonly paths: RouterPaths,
  ) {
    this.runtime = new HaproxyRuntime(paths.admin);
    const { runtime } = this;
    this.workers = { runtime, oldWorkers: new OldWorkers(runtime, paths) };
    this.files = new StateFiles(paths);
  }

  async observe(): Promise<ActualRoutes> {
    this.observed = undefined;
    const state = (await this.asBegun()) ?? (await this.read());
    this.observed = { state };
    // Whoever changed it last may have died before the files were written.
    if (!this.isSaved) await this.save(state);
    const { ports = [] } = (this.pool ??= await readPool(this.paths));
    return actualRoutes(this.workers, state, ports);
  }

  /** What was read when it began, and since then nothing was said to it. Once. */
  private async asBegun(): Promise<HaproxyState | undefined> {
    const { begunWith, whole } = this;
    this.begunWith = undefined;
    if (begunWith === undefined || whole === undefined) return undefined;
    const [info = ''] = await this.runtime.ask(['show info']);
    return workerIn(info) === whole.worker ? begunWith : undefined;
  }

  async observeApps(appIds: Iterable<string>): Promise<ActualRoutes | undefined> {
    this.observed = undefined;
    const { whole } = this;
    const backends = whole?.parts().backendsOf(appIds);
    if (whole === undefined || backends === undefined || !this.isSaved) return undefined;
    const [info = ''] = await this.runtime.ask(['show info']);
    if (workerIn(info) !== whole.worker) return undefined;
    const state = whole.parts().of(backends);
    this.observed = { state, backends };
    return actualRoutes(this.workers, state, []);
  }

  async apply(actions: readonly RouteAction[]): Promise<void> {
    if (actions.length === 0) return;
    const { state, backends, translation } = await this.translated(actions);
    faultPoint('router-sync/before-change');
    const { commands } = translation;
    const isSaid = this.isSaved && commands.length === 0;
    const whole = isSaid ? undefined : await this.say(commands);
    await this.workers.oldWorkers.cut(actions, state);
    const isDone =
      isSaid ||
      (backends !== undefined &&
        whole !== undefined &&
        (await this.saveSome(whole, { state, backends }, commands)));
    if (!isDone) await this.save(await this.read());
    await this.close(translation.closed ?? []);
    faultPoint('router-sync/after-write-state');
    // What has no place keeps nobody else's routes as they are.
    if (translation.grown !== undefined)
      throw (
        this.full?.reason ??
        new RouterError('router-full', 'the router has no place for so many instances')
      );
  }

  /** Answers what was known of all before. */
  private async say(commands: readonly string[]): Promise<Whole | undefined> {
    this.isSaved = false;
    this.begunWith = undefined;
    const { known, whole } = this;
    // Whatever fails from here on: all of it is read again.
    this.known = this.whole = undefined;
    await this.runtime.change(commands);
    if (known !== undefined) forgetTouched(known, commands);
    this.known = known;
    faultPoint('router-sync/after-change');
    return whole;
  }

  private async translated(actions: readonly RouteAction[]): Promise<Translated> {
    // Nobody else writes: what was observed a moment ago still holds, and time matters here.
    let { state, backends } = this.observed ?? { state: await this.read() };
    this.observed = undefined;
    this.pool ??= await readPool(this.paths);
    let translation = translate(actions, state, this.pool);
    if (backends !== undefined && !isWithin(translation, backends)) {
      backends = undefined;
      state = await this.read();
      translation = translate(actions, state, this.pool);
    }
    await this.refuseTaken(translation.grown);
    const begun = await this.begun(actions, state, translation.grown);
    if (begun !== undefined) return begun;
    if (translation.grown !== undefined && (await this.hasGrown(translation.grown, state))) {
      state = await this.read();
      translation = translate(actions, state, this.pool);
    }
    return { state, translation, ...(backends !== undefined && { backends }) };
  }

  /**
   * Where nobody has anything yet and the proxy has to grow, it gets all of it with the files that it begins with: of ten
   * thousand apps a quarter of a million commands. Undefined where that is not so.
   */
  private async begun(
    actions: readonly RouteAction[],
    before: HaproxyState,
    pool: PoolSize | undefined,
  ): Promise<Translated | undefined> {
    if (pool === undefined || before.owners.size > 0 || before.hosts.size > 0) return undefined;
    // Those of ports have no health checks: their lines are others.
    if ((pool.ports ?? []).length > 0) return undefined;
    const translation = translate(actions, before, pool);
    const wanted = stateAfter(translation.commands);
    if (wanted === undefined || translation.grown !== undefined) return undefined;
    if (!(await this.hasGrown(pool, before, wanted.state))) return undefined;
    const state = await this.read();
    const isThere = holdsAll(state, wanted.state);
    this.isSaved = isThere;
    if (isThere) this.begunWith = state;
    return {
      state,
      translation: isThere
        ? { commands: wanted.rest, grown: undefined }
        : translate(actions, state, pool),
    };
  }

  /** What some backends hold now is read and written beside what is known of the others. False: all of it has to be. */
  private async saveSome(
    whole: Whole,
    { state, backends }: Required<Observed>,
    commands: readonly string[],
  ): Promise<boolean> {
    const after = await readBack(this.runtime, whole.worker, state, commands);
    if (after === undefined || !(await this.files.change(state, after))) return false;
    whole.parts().replace(backends, after);
    for (const [slot, owner] of after.owners) this.lastOwners.set(slot, owner);
    this.whole = whole;
    this.isSaved = true;
    return true;
  }

  async traffic(appId: string): Promise<ReadonlyMap<string, TrafficCounters>> {
    const [text = ''] = await this.runtime.ask([`show map ${FILES.owners}`]);
    const owners = parseMap(text);
    const backend = [...owners].find(
      ([slot, id]) => id === appId && !slot.includes('/') && portOfProxy(slot) === undefined,
    )?.[0];
    if (backend === undefined) return new Map();
    const [stat = ''] = await this.runtime.ask([`show stat ${backend} 4 -1`]);
    return new Map(
      [...parseTraffic(stat)].flatMap(([server, counters]) => {
        const instanceId = owners.get(`${backend}/${server}`);
        return instanceId === undefined ? [] : [[instanceId, counters] as const];
      }),
    );
  }

  async underWay(): Promise<UnderWay> {
    const [text = ''] = await this.runtime.ask([`show map ${FILES.owners}`]);
    const owners = parseMap(text);
    const stats = await this.runtime.ask(
      backendsOf(owners).map((name) => `show stat ${name} 6 -1`),
    );
    return underWayIn(stats, owners);
  }

  /** Instance that has a place of the proxy, or had it last: `slot0001/s3`. */
  ownerOf(server: string): string | null {
    return this.lastOwners.get(server) ?? null;
  }

  /** Before HAProxy tries: it would not serve any port of a configuration of which it cannot have one. */
  private async refuseTaken(grown: PoolSize | undefined): Promise<void> {
    if (grown === undefined || this.pool === undefined || this.paths.isExternal) return;
    for (const port of newPorts(this.pool, grown)) {
      const host = this.config.routerBind ?? this.config.bind;
      if (await isFree(host, port)) continue;
      throw new RouterError('router-refused', `port ${port} is taken by another program`, {
        againMs: PORT_AGAIN_MS,
        isOfApp: true,
      });
    }
  }

  /** Nobody has them any more: other programs may. */
  private async close(ports: readonly number[]): Promise<void> {
    const pool = this.pool ?? (await readPool(this.paths));
    const kept = (pool.ports ?? []).filter((port) => !ports.includes(port));
    if (kept.length === (pool.ports ?? []).length) return;
    const smaller = { ...pool, ports: kept };
    await grow(this.config, this.paths, smaller, KEPT);
    this.pool = smaller;
    this.known = this.whole = undefined;
  }

  /** False when there are no more places to be had now. */
  private async hasGrown(
    pool: PoolSize,
    state: HaproxyState,
    after: HaproxyState = state,
  ): Promise<boolean> {
    if (this.full !== undefined && performance.now() < this.full.untilMs) return false;
    this.full = undefined;
    try {
      await grow(this.config, this.paths, pool, {
        write: () => this.files.write(after),
        restore: () => this.files.write(state),
      });
    } catch (error) {
      if (!(error instanceof RouterError)) throw error;
      this.full = { reason: error, untilMs: performance.now() + GROW_AGAIN_MS };
      return false;
    }
    this.pool = pool;
    return true;
  }

  private async save(state: HaproxyState): Promise<void> {
    await this.files.write(state);
    this.isSaved = true;
  }

  private async read(): Promise<HaproxyState> {
    const now = performance.now();
    if (this.known === undefined || now - this.wholeAtMs > WHOLE_EVERY_MS) {
      this.known = undefined;
      this.wholeAtMs = now;
    }
    const { state, known } = await readState(this.runtime, this.known);
    this.known = known;
    let parts: StateParts | undefined;
    this.whole = { worker: known.worker, parts: () => (parts ??= new StateParts(state)) };
    // Who had a place before may still be meant by a line of the access log that comes late.
    for (const [slot, owner] of state.owners) this.lastOwners.set(slot, owner);
    return state;
  }
}

const KEPT = { write: () => Promise.resolve(), restore: () => Promise.resolve() };
