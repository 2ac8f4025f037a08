import { describe, expect, it } from 'vitest';
import { wholeCheck } from '@shiplog/domain';
import type { CheckRequest } from '@shiplog/events';
import { Watcher, type WatchEvents } from './watcher.js';
import type { WantedWatch } from './wanted.js';

const START_MS = Date.parse('2026-01-01T00:00:00Z');

/** A clock that goes from one thing that is due to the next. */
class Clock {
  nowMs = START_MS;
  private due: { atMs: number; work: () => void }[] = [];

  later = (ms: number, work: () => void): (() => void) => {
    const entry = { atMs: this.nowMs + ms, work };
    this.due.push(entry);
    return () => (this.due = this.due.filter((one) => one !== entry));
  };

  get isIdle(): boolean {
    return this.due.length === 0;
  }

  async run(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      const next = this.due.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.due = this.due.filter((one) => one !== next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.work();
      for (let turns = 0; turns < 5; turns += 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    this.nowMs = endMs;
  }
}

const watchOf = (request: CheckRequest | null, more: Partial<WantedWatch> = {}): WantedWatch => {
  const { probe = 'readiness', instanceId = 'i1' } = more;
  return {
    ...{ instanceId, appId: 'a1', probe },
    check: request === null ? null : wholeCheck(probe, request),
    target: { containerId: `c-${instanceId}`, web: null },
    startedAt: new Date(START_MS).toISOString(),
    ...more,
  };
};

const UP = { kind: 'http', path: '/up' } as const;

const scene = ({ isArmed = true, takesMs = 1, lateMs = 0 } = {}) => {
  const clock = new Clock();
  const state = { isUnready: false, isArmed, isGood: true, isSilent: false };
  const told: string[] = [];
  const askedAtMs: number[] = [];
  const events: WatchEvents = {
    standing: () => state,
    onAnswer: () => undefined,
    onArmed: ({ instanceId }) => {
      state.isArmed = true;
      told.push(`${instanceId} armed`);
      return Promise.resolve();
    },
    onFailed: ({ instanceId, probe }) => {
      if (probe === 'readiness') state.isUnready = true;
      told.push(`${instanceId} ${probe} failed`);
      return Promise.resolve();
    },
    onPassed: ({ instanceId }) => {
      state.isUnready = false;
      told.push(`${instanceId} passed`);
      return Promise.resolve();
    },
    onError: (error) => told.push(String(error)),
  };
  const watcher = new Watcher(events, {
    ask: ({ timeoutMs }) => {
      askedAtMs.push(clock.nowMs - START_MS);
      if (state.isSilent) return Promise.resolve(null);
      clock.nowMs += lateMs + Math.min(takesMs, timeoutMs);
      return Promise.resolve({
        isReady: state.isGood,
        got: state.isGood ? 'HTTP 200' : 'HTTP 503',
      });
    },
    nowMs: () => clock.nowMs,
    later: clock.later,
    random: () => 0,
  });
  return { clock, state, told, askedAtMs, watcher };
};

describe('the watcher', () => {
  it('asks at the interval, and tells nothing while all is well', async () => {
    const { clock, told, askedAtMs, watcher } = scene();
    watcher.watch('a1', [watchOf(UP)]);
    await clock.run(2_000);
    expect(askedAtMs).toEqual([0, 500, 1000, 1500, 2000]);
    expect(told).toEqual([]);
  });
  it('tells once that it fails, and once that it passes again', async () => {
    const { clock, state, told, watcher } = scene();
    watcher.watch('a1', [watchOf(UP)]);
    await clock.run(1_000);
    state.isGood = false;
    await clock.run(1_000);
    expect(told).toEqual(['i1 readiness failed']);
    await clock.run(60_000);
    state.isGood = true;
    await clock.run(1_000);
    expect(told).toEqual(['i1 readiness failed', 'i1 passed']);
  });
  it('tells after one question of a second that nobody answers', async () => {
    const { clock, state, told, watcher } = scene({ takesMs: 1_000 });
    watcher.watch('a1', [watchOf(UP)]);
    state.isGood = false;
    await clock.run(1_400);
    expect(told).toEqual(['i1 readiness failed']);
  });
  it('is not moved by one bad answer', async () => {
    const { clock, state, told, watcher } = scene();
    watcher.watch('a1', [watchOf(UP)]);
    for (let i = 0; i < 20; i += 1) {
      state.isGood = i % 2 === 0;
      await clock.run(500);
    }
    expect(told).toEqual([]);
  });
  it('writes no more than two lines a minute of one that goes up and down all day', async () => {
    const { clock, state, told, watcher } = scene();
    watcher.watch('a1', [watchOf(UP)]);
    // As bad as can be: down as soon as it is taken back.
    for (let i = 0; i < 7_200; i += 1) {
      state.isGood = state.isUnready;
      await clock.run(500);
    }
    expect(told.length).toBeGreaterThan(50);
    expect(told.length).toBeLessThan(2 * 60 + 20);
  });
  it('lets no check fail that never passed: it may be wrong itself', async () => {
    const { clock, state, told, watcher } = scene({ isArmed: false });
    state.isGood = false;
    watcher.watch('a1', [watchOf(UP)]);
    await clock.run(60_000);
    expect(told).toEqual([]);
    state.isGood = true;
    await clock.run(1_000);
    state.isGood = false;
    await clock.run(2_000);
    expect(told).toEqual(['i1 armed', 'i1 readiness failed']);
  });
  it('learns nothing from what was not asked', async () => {
    const { clock, state, told, watcher } = scene();
    watcher.watch('a1', [watchOf(UP)]);
    state.isSilent = true;
    await clock.run(60_000);
    expect(told).toEqual([]);
  });
  it('does not believe a silence that we slept through ourselves', async () => {
    const { clock, state, told, watcher } = scene({ takesMs: 1_000, lateMs: 500 });
    state.isGood = false;
    watcher.watch('a1', [watchOf(UP)]);
    await clock.run(60_000);
    expect(told).toEqual([]);
  });
  it('waits with the first question as long as it was told', async () => {
    const { clock, askedAtMs, watcher } = scene();
    watcher.watch('a1', [watchOf({ ...UP, delayMs: 5_000 })]);
    await clock.run(5_600);
    expect(askedAtMs).toEqual([5_000, 5_500]);
  });
  it('takes what is unready back where nothing is asked any more', async () => {
    const { clock, state, told, watcher } = scene();
    state.isUnready = true;
    watcher.watch('a1', [watchOf(null)]);
    await clock.run(10);
    expect(told).toEqual(['i1 passed']);
    expect(clock.isIdle).toBe(true);
  });
  it('goes on undisturbed where nothing changed, and begins anew with another run', async () => {
    const { clock, askedAtMs, watcher } = scene();
    watcher.watch('a1', [watchOf(UP)]);
    await clock.run(1_200);
    watcher.watch('a1', [watchOf(UP)]);
    await clock.run(400);
    expect(askedAtMs).toEqual([0, 500, 1000, 1500]);
    watcher.watch('a1', [watchOf(UP, { startedAt: new Date(START_MS + 1).toISOString() })]);
    await clock.run(100);
    expect(askedAtMs.at(-1)).toBe(1600);
  });
  it('stops when nobody wants to know', async () => {
    const { clock, watcher } = scene();
    watcher.watch('a1', [watchOf(UP), watchOf(UP, { probe: 'liveness' })]);
    watcher.watch('a2', [watchOf(UP, { instanceId: 'i2' })]);
    await clock.run(600);
    watcher.watch('a1', []);
    expect(clock.isIdle).toBe(false);
    watcher.close();
    expect(clock.isIdle).toBe(true);
  });
  it('asks a thousand within the interval, spread over it', async () => {
    const clock = new Clock();
    const askedAtMs: number[] = [];
    let seed = 1;
    const watcher = new Watcher(
      {
        standing: () => ({ isUnready: false, isArmed: true }),
        onAnswer: () => undefined,
        onArmed: () => Promise.resolve(),
        onFailed: () => Promise.resolve(),
        onPassed: () => Promise.resolve(),
        onError: () => undefined,
      },
      {
        ask: () => {
          askedAtMs.push(clock.nowMs - START_MS);
          return Promise.resolve({ isReady: true, got: '' });
        },
        nowMs: () => clock.nowMs,
        later: clock.later,
        random: () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647,
      },
    );
    watcher.watch(
      'a1',
      Array.from({ length: 1000 }, (_, i) =>
        watchOf({ ...UP, intervalMs: 1000 }, { instanceId: `i${i}` }),
      ),
    );
    await clock.run(999.9);
    expect(askedAtMs).toHaveLength(1000);
    const inTenths = Array.from(
      { length: 10 },
      (_, i) => askedAtMs.filter((atMs) => Math.floor(atMs / 100) === i).length,
    );
    expect(Math.max(...inTenths)).toBeLessThan(200);
  });
});
