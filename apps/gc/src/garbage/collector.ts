import type { GarbageItem } from '@shiplog/domain';
import { describeError, faultPoint, onOwnAccount, type ProcessContext } from '@shiplog/runtime';
import { GarbageEngineError, type GarbageEngine } from './garbage-engine.port.js';
import { LogKnowledge } from './known.js';
import { plan } from './plan.js';

/** As many as one event holds. */
const ITEMS_MAX = 500;
/** Appended after so many removals: what a crash makes us forget is no more than this. */
const ITEMS_PER_EVENT = 20;

export interface CollectorOptions {
  readonly context: ProcessContext;
  readonly engine: GarbageEngine;
  /** Milliseconds of the wall clock. Default `Date.now`. */
  readonly now?: () => number;
}

/** Finds garbage and removes it. One pass at a time: removals are slow work for an engine. */
export class Collector {
  private readonly knowledge: LogKnowledge;
  private running: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: CollectorOptions) {
    this.knowledge = new LogKnowledge(options.context.log, options.context.world);
  }

  /** What would go now. */
  async preview(): Promise<readonly GarbageItem[]> {
    return (await this.all()).slice(0, ITEMS_MAX);
  }

  private async all(): Promise<readonly GarbageItem[]> {
    const { context, engine, now = Date.now } = this.options;
    // Looked at first, then judged by a log that is at least as new: what began since is not among it.
    const actual = {
      containers: await engine.stillContainers(),
      images: await engine.builtImages(),
    };
    await context.feed.catchUp();
    const known = await this.knowledge.about(actual);
    const policy = context.world.get('garbage', context.config.nodeId).state;
    return plan(known, actual, policy, now());
  }

  /** Removes at most `max` of what can go, the first ones first, and tells what has gone. */
  collect(max = ITEMS_MAX, signal?: AbortSignal): Promise<readonly GarbageItem[]> {
    const pass = this.running.then(() => this.pass(max, signal));
    this.running = pass.catch(() => undefined);
    return pass;
  }

  private async pass(max: number, signal?: AbortSignal): Promise<readonly GarbageItem[]> {
    const removed: GarbageItem[] = [];
    let untold: GarbageItem[] = [];
    const tell = async (): Promise<void> => {
      const items = untold;
      untold = [];
      await this.record(items);
    };
    try {
      // What cannot go takes nobody's turn: the rest would wait for it for ever.
      for (const item of await this.all()) {
        if (removed.length === max || signal?.aborted === true) break;
        faultPoint('gc/before-remove');
        if (!(await this.remove(item))) continue;
        faultPoint('gc/after-remove');
        removed.push(item);
        untold.push(item);
        if (untold.length === ITEMS_PER_EVENT) await tell();
      }
    } finally {
      await tell();
    }
    return removed;
  }

  private async remove(item: GarbageItem): Promise<boolean> {
    const { engine, context } = this.options;
    try {
      const result =
        item.kind === 'container'
          ? await engine.removeContainer(item.id)
          : await engine.removeImage(item.id);
      return result === 'removed';
    } catch (error) {
      if (error instanceof GarbageEngineError) throw error;
      // One that cannot go must not keep the others.
      const fields = { kind: item.kind, id: item.id, error: describeError(error) };
      context.logger.warn(fields, 'garbage-not-removed');
      return false;
    }
  }

  private async record(items: readonly GarbageItem[]): Promise<void> {
    const { context } = this.options;
    const { nodeId } = context.config;
    if (items.length === 0) return;
    const command = { type: 'RecordCollected', nodeId, items } as const;
    await context.commands.handle('garbage', nodeId, command, onOwnAccount(context));
    faultPoint('gc/after-record');
  }
}
