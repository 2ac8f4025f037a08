import { describe, expect, it } from 'vitest';
import { NOW_MS, app, container, input, instance } from '../testing/plan-input.js';
import { graceLeft, planSignals } from './plan-signals.js';
import { APP, Simulation } from '../testing/simulation.js';
import { PROGRAMS } from './in-memory-container-engine.js';

const at = '2026-01-01T11:59:50.000Z';
const planned = (of: ReturnType<typeof instance>, seen: { signal: string; atMs: number }[]) =>
  planSignals({
    ...input({ app: app({ instances: [of] }), containers: [container('o1')], busy: ['o1'] }),
    signalsOf: () => seen,
  }).map((action) => action.type === 'record-signalled' && [action.signal, action.graceSeconds]);

describe('a signal', () => {
  it('is told while the instance is being stopped, with the grace that follows; SIGKILL has none', () => {
    const retired = instance('o1', { status: 'retired' });
    const seen = [
      { signal: 'SIGTERM', atMs: NOW_MS },
      { signal: 'SIGKILL', atMs: NOW_MS },
    ];
    expect(planned(retired, seen)).toEqual([
      ['SIGTERM', 30],
      ['SIGKILL', null],
    ]);
    const told = { ...retired, signals: [{ signal: 'SIGTERM', at, graceSeconds: 30 }] };
    expect(planned(told, seen)).toEqual([['SIGKILL', null]]);
  });

  it('of ours to what does not live has the short grace of that', () => {
    const unready = { cause: 'liveness', got: 'HTTP 500' } as const;
    const seen = [{ signal: 'SIGTERM', atMs: NOW_MS }];
    expect(planned(instance('o1', { status: 'unready', unready }), seen)).toEqual([
      ['SIGTERM', 10],
    ]);
  });

  it('that ended the run before is not told of the next one', () => {
    const startedAt = new Date(NOW_MS).toISOString();
    const seen = [
      { signal: 'SIGTERM', atMs: NOW_MS - 1 },
      { signal: 'SIGHUP', atMs: NOW_MS },
    ];
    expect(planned(instance('o1', { startedAt }), seen)).toEqual([['SIGHUP', null]]);
  });

  it('of somebody outside is told as well, once', () => {
    const seen = [1, 2].map((n) => ({ signal: 'SIGHUP', atMs: NOW_MS + n }));
    expect(planned(instance('o1'), seen)).toEqual([['SIGHUP', null]]);
  });
});

describe('the grace period', () => {
  it('goes on where another process of ours began it', () => {
    const sent = (ago: number, graceSeconds: number | null) =>
      instance('o1', {
        signals: [{ signal: 'SIGTERM', at: new Date(NOW_MS - ago).toISOString(), graceSeconds }],
      });
    expect(graceLeft(instance('o1'), 30, NOW_MS)).toBe(30);
    expect(graceLeft(sent(10_000, 30), 30, NOW_MS)).toBe(20);
    expect(graceLeft(sent(90_000, 30), 30, NOW_MS)).toBe(0);
    expect(graceLeft(sent(10_000, null), 30, NOW_MS)).toBe(30);
  });
});

describe('an instance that takes no notice of SIGTERM', () => {
  it('is killed, and both are in the log with their times', async () => {
    const simulation = await Simulation.create();
    await simulation.deploy(PROGRAMS.serve);
    await simulation.settle();
    const id = simulation.world.instancesOf(APP)[0]?.instanceId ?? '';
    const entry = [...simulation.host.entries.values()].find(({ instanceId }) => instanceId === id);
    Object.assign(entry?.spec ?? {}, { command: PROGRAMS.deaf });
    await simulation.deploy(PROGRAMS.serve);
    for (let i = 0; i < 4; i += 1) {
      await simulation.settle();
      simulation.advance(1000);
    }
    const events = (await simulation.log.read(`instance.${id}`)).flatMap(
      ({ commit }) => commit.events,
    );
    const sent = events.flatMap((event) =>
      event.type === 'InstanceSignalled' ? [[event.data.signal, event.data.graceSeconds]] : [],
    );
    expect(sent).toEqual([
      ['SIGTERM', 30],
      ['SIGKILL', null],
    ]);
    expect(events.at(-1)).toMatchObject({ type: 'InstanceStopped', data: { exitCode: 137 } });
  });
});
