import { toPosition, type Commit } from '@shiplog/events';
import { NO_COMMIT, commitAfter } from '@shiplog/events/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { KnownCommands } from './known-commands.js';

const START_MS = Date.parse('2026-11-21T10:00:00.000Z');
const HOUR_MS = 60 * 60_000;
const template = commitAfter('app.a1', NO_COMMIT);

let known: KnownCommands;
let count: number;
beforeEach(() => {
  known = new KnownCommands();
  count = 0;
});

/** Carries out requests `c1`, `c2`, … at a moment. */
const carryOut = (requests: number, hours: number): void => {
  const time = new Date(START_MS + hours * HOUR_MS).toISOString();
  for (let i = 0; i < requests; i += 1) {
    count += 1;
    const commit: Commit = { ...template, time, command: { id: `c${count}`, digest: 'd' } };
    known.apply(commit, toPosition(count));
  }
};

describe('requests that were carried out', () => {
  it('are known for a day, however many come after them', () => {
    carryOut(30_000, 0);
    carryOut(1, 24);
    expect(known.get('c1')).toMatchObject({ digest: 'd', position: toPosition(1) });
  });

  it('are forgotten after a day, but for the newest 20,000', () => {
    carryOut(30_000, 0);
    carryOut(1, 25);
    expect(known.get('c10001')).toBeUndefined();
    expect(known.get('c10002')).toBeDefined();
    carryOut(1, 1_000);
    expect(known.get('c10003')).toBeDefined();
  });

  it('never take more room than for 100,000', () => {
    carryOut(100_001, 0);
    expect(known.get('c1')).toBeUndefined();
    expect(known.get('c2')).toBeDefined();
  });

  it('keep their first place', () => {
    carryOut(2, 0);
    known.apply({ ...template, command: { id: 'c1', digest: 'other' } }, toPosition(9));
    expect(known.get('c1')).toMatchObject({ digest: 'd', position: toPosition(1) });
  });

  it('are the same after a restart', () => {
    carryOut(3, 0);
    const restored = new KnownCommands();
    const kept = JSON.stringify(known.snapshot());
    restored.restore(JSON.parse(kept) as ReturnType<KnownCommands['snapshot']>);
    expect(restored.snapshot()).toEqual(known.snapshot());
  });
});
