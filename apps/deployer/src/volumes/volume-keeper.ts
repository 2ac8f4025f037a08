import { describeError } from '@shiplog/runtime';
import type { LeftVolume } from '@shiplog/domain';
import type { RecordedCommit } from '@shiplog/events';
import { fault } from '../faults.js';
import { EngineError } from '../containers/container-engine.port.js';
import type { Workbench } from '../containers/workbench.js';
import { engineNameOf } from './engine-volume.js';
import { planVolumes, type MadeVolume, type VolumeAction } from './plan-volumes.js';

const LOOK_MS = 30_000;
/** What the engine refused (a container that still runs has it) is tried again after this time. */
const AGAIN_MS = 2_000;
/** Measuring makes the engine count files: at most this often, and for one part in this many of the time. */
const MEASURE_MS = 5 * 60_000;
const MEASURE_SHARE = 20;

/** What was in a volume when it was counted last. */
export interface Measured {
  readonly usedBytes: number;
  readonly measuredAt: string;
}

interface Options {
  readonly lookMs?: number;
  readonly measureMs?: number;
}

/**
 * Keeps the log's picture of volumes true, deletes those that somebody wants deleted, and counts what is in
 * them. Beside the rounds, which wait for nothing of it: instances that need a volume make it themselves.
 */
export class VolumeKeeper {
  private readonly measured = new Map<string, Measured>();
  /** Asked after once, measured or not: one that is missing, or cannot be measured, is in no hurry. */
  private readonly counted = new Set<string>();
  private fresh = new Map<string, number>();
  /** To be deleted, and a container still has them: said once. */
  private readonly waiting = new Set<string>();
  private isStopped = false;
  private isMeasuring = false;
  private lookAgain = true;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | null = null;
  /** The newest measurement. */
  private endedMs = 0;
  private tookMs = 0;
  private trouble = '';

  constructor(
    private readonly bench: Workbench,
    private readonly options: Options = {},
  ) {}

  start(): void {
    this.bench.volumeMissed = () => this.nudge();
    this.nudge();
  }

  /** Volumes were declared, made or are to be deleted. */
  take(batch: readonly RecordedCommit[]): void {
    const isOurs = batch.some(({ commit }) => commit.events.some(({ type }) => NUDGES.has(type)));
    if (isOurs) this.nudge();
  }

  usageOf(volumeId: string): Measured | null {
    return this.measured.get(volumeId) ?? null;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.looking;
  }

  private nudge(): void {
    this.lookAgain = true;
    if (this.looking === null) this.after(0);
  }

  private after(ms: number): void {
    clearTimeout(this.timer);
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.lookAgain = false;
      this.looking = this.look().then((pauseMs) => {
        this.looking = null;
        this.after(this.lookAgain ? 0 : pauseMs);
      });
    }, ms);
    this.timer.unref();
  }

  /** One look; resolves to how long to wait for the next one. */
  private async look(): Promise<number> {
    const { lookMs = LOOK_MS } = this.options;
    const { bench } = this;
    const { world, feed, logger } = bench.context;
    try {
      await feed.catchUp();
      const made = madeVolumes(bench);
      const left = world.leftVolumes.all().filter((volume) => isHere(bench, volume));
      if (made.length === 0 && left.every(({ isRemoved }) => !isRemoved)) return lookMs;
      const there = new Set(await bench.engine.volumes.list());
      const usage = this.fresh;
      this.fresh = new Map();
      let isRefused = false;
      for (const action of planVolumes({ made, left, there, usage })) {
        if (this.isStopped) return lookMs;
        isRefused = (await this.carryOut(action)) || isRefused;
      }
      this.measureIfDue(made);
      this.trouble = '';
      return isRefused ? AGAIN_MS : lookMs;
    } catch (error) {
      const said = describeError(error);
      if (said !== this.trouble) logger.warn({ error: said }, 'volumes-not-looked-at');
      this.trouble = said;
      return AGAIN_MS;
    }
  }

  /** Whether the engine refused it for now. */
  private async carryOut(action: VolumeAction): Promise<boolean> {
    const { bench } = this;
    const { logger } = bench.context;
    if (action.type === 'record') {
      const { volumeId, appId } = action.command;
      const isNew = await bench.record('volume', { id: volumeId, appId }, action.command);
      if (isNew) logger.warn({ volumeId, appId }, action.command.type);
      return false;
    }
    const { volumeId, appId } = action.volume;
    try {
      fault('before-delete-volume');
      for (const name of this.namesOf(action.volume)) await bench.engine.volumes.remove(name);
      fault('after-delete-volume');
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === 'engine-unreachable') throw error;
      if (!this.waiting.has(volumeId)) {
        logger.info({ volumeId, appId, said: error.said }, 'volume-not-deleted-yet');
      }
      this.waiting.add(volumeId);
      return true;
    }
    await bench.record(
      'volume',
      { id: volumeId, appId },
      { type: 'RecordVolumeDeleted', volumeId, appId },
    );
    this.measured.delete(volumeId);
    this.counted.delete(volumeId);
    this.waiting.delete(volumeId);
    logger.info({ volumeId, appId }, 'volume-deleted');
    return false;
  }

  /** One that was lost may be back beside the one that took its place. */
  private namesOf(volume: LeftVolume): ReadonlySet<string> {
    const { config, world } = this.bench.context;
    const { state } = world.get('volume', volume.volumeId);
    const all = Array.from({ length: volume.incarnation }, (_, i) =>
      engineNameOf(
        { ...volume, incarnation: i + 1 },
        { platform: config.platform, appId: volume.appId, appName: volume.appName },
      ),
    );
    return new Set('engineName' in state ? [...all, state.engineName] : all);
  }

  /** Not waited for: the next look takes what it came to. */
  private measureIfDue(made: readonly MadeVolume[]): void {
    const { bench } = this;
    const { lookMs = LOOK_MS, measureMs = MEASURE_MS } = this.options;
    const beganMs = bench.nowMs();
    const isNew = made.some(({ seen }) => !this.counted.has(seen.volumeId));
    const restMs = Math.max(isNew ? lookMs : measureMs, this.tookMs * MEASURE_SHARE);
    if (this.isMeasuring || made.length === 0 || beganMs < this.endedMs + restMs) return;
    this.isMeasuring = true;
    void bench.engine.volumes
      .usage()
      .then((usage) => {
        const measuredAt = new Date(bench.nowMs()).toISOString();
        for (const { seen } of made) {
          this.counted.add(seen.volumeId);
          const usedBytes = usage.get(seen.engineName);
          if (usedBytes !== undefined) this.measured.set(seen.volumeId, { usedBytes, measuredAt });
        }
        this.fresh = new Map(usage);
        this.nudge();
      })
      .catch((error: unknown) => {
        bench.context.logger.warn({ error: describeError(error) }, 'volumes-not-measured');
      })
      .then(() => {
        this.endedMs = bench.nowMs();
        this.tookMs = this.endedMs - beganMs;
        this.isMeasuring = false;
      });
  }
}

const NUDGES: ReadonlySet<string> = new Set([
  'VolumeCreated',
  'VolumeChanged',
  'VolumeRemoved',
  'KeptVolumeRemoved',
  'AppDestroyed',
]);

/** What another machine has is for its deployer to delete; what was never made is for anybody. */
const isHere = ({ context: { world, config } }: Workbench, { volumeId }: LeftVolume): boolean => {
  const { state } = world.get('volume', volumeId);
  return !('nodeId' in state) || state.nodeId === config.nodeId;
};

const madeVolumes = ({ context: { world, config } }: Workbench): MadeVolume[] =>
  [...world.all('volume')].flatMap((seen) => {
    if (seen.status === 'none' || seen.status === 'deleted') return [];
    // What another machine has is for its deployer to look at.
    if (seen.nodeId !== config.nodeId) return [];
    const declared = Object.values(world.app(seen.appId)?.volumes ?? {}).find(
      ({ volumeId }) => volumeId === seen.volumeId,
    );
    // What was lost and is to be made anew is not looked for.
    if (declared !== undefined && declared.incarnation > seen.incarnation) return [];
    return [{ seen, sizeBytes: declared?.sizeBytes ?? null }];
  });
