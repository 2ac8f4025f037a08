import { ROUND_WAITS_MS } from './in-round.js';
import { sleepReally, type Sleep } from '../probes/sleep.js';
import {
  EngineError,
  type Container,
  type ContainerEngine,
  type ContainerStatus,
  type EngineNotice,
} from './container-engine.port.js';

/** How a container ended, from the engine's own notice: an inspection may come too late for it. */
interface NoticedEnd {
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
}

export interface NoticedSignal {
  readonly signal: string;
  readonly atMs: number;
}

interface Listed {
  readonly id: string;
  readonly instanceId: string;
  readonly status: ContainerStatus;
}

const INSPECTED_AT_ONCE = 8;

interface EngineViewOptions {
  /** A container that runs and cannot be shown. */
  readonly onHidden?: (containerId: string, error: EngineError) => void;
  /** Something was looked at that no round waited for any more. */
  readonly onLate?: () => void;
  readonly sleep?: Sleep;
}

/**
 * What the engine runs, kept in memory and looked at again where something happened. The list is the
 * truth: it is read at the start, after every break of the event stream, and at each resync; between
 * them only the containers that were noticed are inspected.
 */
export class EngineView {
  private readonly byId = new Map<string, Container>();
  /** Why a container has to be looked at: it started at that time, or anything else happened. */
  private readonly dirty = new Map<string, number | 'changed'>();
  private readonly ends = new Map<string, NoticedEnd>();
  private readonly ooms = new Set<string>();
  private readonly signals = new Map<string, NoticedSignal[]>();
  private isListStale = true;
  /** Notices may have been missed: a running container may be another run than the one we know. */
  private isSuspect = true;
  /** Running containers with our label whose instance nobody knows, as of the last list. */
  strangers: readonly { readonly id: string; readonly instanceId: string }[] = [];
  /** By instance id. */
  readonly containers = new Map<string, Container>();
  /** Instances whose container runs and cannot be inspected: nothing is decided about them. */
  readonly hidden = new Set<string>();
  /** By container: one may be gone, from the list as well, before the engine answered what it is. */
  private readonly hiddenBy = new Map<string, string>();
  /** As of the last list, by container. */
  private listed = new Map<string, Listed>();
  /** Containers that the engine was asked about and that no round waits for. */
  private readonly late = new Set<string>();
  /** Instances that an answer came for between two rounds. */
  private lateChanges = new Set<string>();
  private readonly onHidden: (containerId: string, error: EngineError) => void;
  private readonly onLate: () => void;
  private readonly sleep: Sleep;

  constructor(
    private readonly engine: ContainerEngine,
    options: EngineViewOptions = {},
  ) {
    this.onHidden = options.onHidden ?? (() => undefined);
    this.onLate = options.onLate ?? (() => undefined);
    this.sleep = options.sleep ?? sleepReally;
  }

  /** The list is read again in the next round. */
  relist(): void {
    this.isListStale = true;
  }

  /** Every container is inspected again in the next round: notices may have been missed. */
  distrust(): void {
    this.isListStale = true;
    this.isSuspect = true;
  }

  /**
   * Something was asked of its container and not answered. The list may tell of it as it was before; the engine shows it
   * only when it is through with what was asked, and until then nothing is decided.
   */
  doubt(instanceId: string): void {
    const known = this.containers.get(instanceId);
    if (known !== undefined) this.dirty.set(known.id, 'changed');
  }

  notice({ containerId, what, exitCode, atMs, signal }: EngineNotice): void {
    const isStart = what === 'started' && !this.dirty.has(containerId);
    this.dirty.set(containerId, isStart ? atMs : 'changed');
    if (what === 'oom') this.ooms.add(containerId);
    if (what === 'started') this.signals.delete(containerId);
    if (what === 'signalled' && signal !== undefined) {
      this.signals.set(containerId, [...this.signalsOf(containerId), { signal, atMs }]);
    }
    if (what !== 'die') return;
    this.ends.set(containerId, { exitCode, oomKilled: this.ooms.delete(containerId) });
  }

  /** How the newest run that ended did so, as far as it was noticed. */
  endOf(containerId: string): NoticedEnd | undefined {
    return this.ends.get(containerId);
  }

  /** What the newest run of a container was sent, as far as it was noticed. */
  signalsOf(containerId: string): readonly NoticedSignal[] {
    return this.signals.get(containerId) ?? [];
  }

  /** Resolves when the view is as fresh as the engine; rejects and stays stale when it does not answer. */
  async refresh(isKnown: (instanceId: string) => boolean): Promise<ReadonlySet<string>> {
    if (this.isListStale) await this.readList(isKnown);
    const changed = this.lateChanges;
    this.lateChanges = new Set();
    const ids = [...this.dirty].flatMap(([id, why]) =>
      this.late.has(id) || this.hasSeen(id, why) ? [] : id,
    );
    for (let i = 0; i < ids.length; i += INSPECTED_AT_ONCE) {
      const some = ids.slice(i, i + INSPECTED_AT_ONCE);
      await Promise.all(some.map((id) => this.lookInTime(id, changed)));
    }
    return changed;
  }

  /** The engine may hang at one container, and answer about all others: about this one nothing is decided. */
  private async lookInTime(id: string, changed: Set<string>): Promise<void> {
    const seen = new Set<string>();
    const looking = this.lookOrSetAside(id, seen);
    const instanceId = this.byId.get(id)?.instanceId ?? this.listed.get(id)?.instanceId;
    // One that hung before is not waited for again.
    const waitsMs = this.hidden.has(instanceId ?? '') ? 0 : ROUND_WAITS_MS;
    const inTime = new AbortController();
    const isInTime = await Promise.race([
      looking.then(() => true),
      this.sleep(waitsMs, inTime.signal).then(() => false),
    ]).finally(() => inTime.abort());
    if (isInTime) {
      for (const instanceId of seen) changed.add(instanceId);
      return;
    }
    this.late.add(id);
    if (this.hide(id, instanceId)) {
      const said = `no answer within ${ROUND_WAITS_MS / 1000} s`;
      this.onHidden(id, new EngineError('no-answer', `inspecting container ${id}`, said));
    }
    const arrived = (): void => {
      this.late.delete(id);
      for (const instanceId of seen) this.lateChanges.add(instanceId);
      this.onLate();
    };
    // Why it failed is said by the next round, which asks again.
    void looking.then(arrived, arrived);
  }

  private hide(id: string, instanceId: string | null | undefined): boolean {
    if (instanceId == null) return false;
    this.hiddenBy.set(id, instanceId);
    if (this.hidden.has(instanceId)) return false;
    this.hidden.add(instanceId);
    return true;
  }

  /**
   * Was that start seen already, by the task that made it? Between it and an older run of the container
   * lies an end, and that would have been noticed, too.
   */
  private hasSeen(id: string, why: number | 'changed'): boolean {
    const known = this.byId.get(id);
    const isSeen =
      why !== 'changed' &&
      known?.status === 'running' &&
      known.startedAt !== null &&
      Date.parse(known.startedAt) <= why;
    if (isSeen) this.dirty.delete(id);
    return isSeen;
  }

  /** What a task just told the engine; its notice of it is looked after as any other. */
  assume(id: string, told: Partial<Pick<Container, 'restartPolicy' | 'limits'>>): void {
    const known = this.byId.get(id);
    if (known !== undefined) this.take({ ...known, ...told });
  }

  /** One container that the engine cannot show (its layer is damaged) must not hide all the others. */
  private async lookOrSetAside(id: string, changed: Set<string>): Promise<void> {
    try {
      await this.look(id, changed);
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === 'engine-unreachable') throw error;
      const listed = this.listed.get(id);
      if (error.code === 'no-answer') {
        // The next round asks again, and does not wait for it.
        if (this.hide(id, this.byId.get(id)?.instanceId ?? listed?.instanceId))
          this.onHidden(id, error);
        return;
      }
      if (listed !== undefined) return this.setAside(listed, error, changed);
      // Newer than the list, which will tell what it is; or of an instance whose life is over.
      this.dirty.delete(id);
      this.relist();
    }
  }

  /** What does not run is as good as gone; of what runs nothing is known. */
  private setAside(listed: Listed, error: EngineError, changed: Set<string>): void {
    const { id, instanceId, status } = listed;
    const isStill = status === 'exited' || status === 'created' || status === 'dead';
    const isNew = isStill
      ? this.containers.get(instanceId)?.status !== 'dead'
      : !this.hidden.has(instanceId);
    if (!isNew) return;
    this.onHidden(id, error);
    if (isStill) this.take(deadContainer(listed), changed);
    else this.hide(id, instanceId);
  }

  /** Looks at one container now; for tasks that just changed it. */
  async look(id: string, changed?: Set<string>): Promise<Container | undefined> {
    this.dirty.delete(id);
    try {
      const container = await this.engine.inspect(id);
      if (container === undefined) this.forget(id, changed);
      else this.take(container, changed);
      return container;
    } catch (error) {
      this.dirty.set(id, 'changed');
      throw error;
    }
  }

  private async readList(isKnown: (instanceId: string) => boolean): Promise<void> {
    // Cleared first: what happens during the list makes it stale again.
    const wasSuspect = this.isSuspect;
    this.isListStale = false;
    this.isSuspect = false;
    try {
      const found = await this.engine.list();
      const ids = new Set(found.map(({ id }) => id));
      for (const id of this.byId.keys()) if (!ids.has(id)) this.dirty.set(id, 'changed');
      this.strangers = found.flatMap(({ id, instanceId, status }) =>
        instanceId !== null && status === 'running' && !isKnown(instanceId)
          ? { id, instanceId }
          : [],
      );
      this.listed = new Map();
      for (const { id, instanceId, status } of found) {
        // Containers of instances that were stopped long ago are the collector's business.
        if (instanceId === null || !isKnown(instanceId)) continue;
        this.listed.set(id, { id, instanceId, status });
        const known = this.byId.get(id);
        if (known?.status !== status || wasSuspect) this.dirty.set(id, 'changed');
      }
    } catch (error) {
      this.isListStale = true;
      this.isSuspect ||= wasSuspect;
      throw error;
    }
  }

  private take(container: Container, changed?: Set<string>): void {
    this.byId.set(container.id, container);
    if (container.instanceId === null) return;
    this.containers.set(container.instanceId, container);
    this.hidden.delete(container.instanceId);
    this.hiddenBy.delete(container.id);
    changed?.add(container.instanceId);
  }

  private forget(id: string, changed?: Set<string>): void {
    const instanceId = this.byId.get(id)?.instanceId ?? this.hiddenBy.get(id) ?? null;
    this.byId.delete(id);
    this.hiddenBy.delete(id);
    this.ends.delete(id);
    this.signals.delete(id);
    this.ooms.delete(id);
    if (instanceId === null || (this.containers.get(instanceId)?.id ?? id) !== id) return;
    this.containers.delete(instanceId);
    this.hidden.delete(instanceId);
    changed?.add(instanceId);
  }
}

const deadContainer = ({ id, instanceId }: Listed): Container => ({
  id,
  name: '',
  instanceId,
  appId: null,
  status: 'dead',
  startedAt: null,
  finishedAt: null,
  exitCode: null,
  oomKilled: false,
  restartCount: 0,
  restartPolicy: 'no',
  pid: null,
  limits: null,
});
