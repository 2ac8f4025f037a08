import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { streamName } from '../registry.js';
import { toPosition } from '../sequence.js';
import {
  violationsOf,
  type AppendCall,
  type Call,
  type ReadCall,
  type StoredAtEnd,
  type Told,
  type ViolationKind,
} from './history.js';

interface History {
  readonly calls: readonly Call[];
  readonly log: readonly StoredAtEnd[];
}

/** What may happen to one call; `late`: its caller gave up before it was stored. */
type Fate = 'appended' | 'stored-unknown' | 'late' | 'dropped' | 'stale' | 'refused' | 'read';
const step = fc.record({
  stream: fc.integer({ min: 0, max: 2 }),
  fate: fc.constantFrom<Fate>(
    'appended',
    'appended',
    'stored-unknown',
    'late',
    'dropped',
    'stale',
    'refused',
    'read',
  ),
});

/** A history as a log without faults would make it: calls one after the other, some answered by nobody. */
const historyOf = (steps: readonly { stream: number; fate: Fate }[]): History => {
  const calls: Call[] = [];
  const log: StoredAtEnd[] = [];
  let clock = 0;
  const store = (stream: AppendCall['stream'], id: string): StoredAtEnd => {
    const version = log.filter((stored) => stored.stream === stream).length;
    const position = toPosition(log.length + 1);
    const stored = { position, stream, id, from: version, to: version + 1 };
    log.push(stored);
    return stored;
  };
  steps.forEach(({ stream: number, fate }, i) => {
    const stream = streamName('app', `s${number}`);
    const own = log.filter((stored) => stored.stream === stream);
    const id = `c${i}`;
    const calledAt = (clock += 1);
    if (fate === 'read') {
      const ids = own.map((stored) => stored.id);
      calls.push({ kind: 'read', stream, calledAt, returnedAt: (clock += 1), ids });
      return;
    }
    const isStale = fate === 'stale' && own.length > 0;
    const expected = (isStale ? own.at(-2) : own.at(-1))?.position ?? toPosition(0);
    let told: Told = { outcome: 'unknown' };
    if (isStale) told = { outcome: 'conflict' };
    else if (fate === 'refused') told = { outcome: 'not-written' };
    else if (fate === 'appended')
      told = { outcome: 'appended', position: store(stream, id).position };
    else if (fate === 'stored-unknown') store(stream, id);
    const returnedAt = (clock += 1);
    if (fate === 'late') store(stream, id);
    calls.push({ kind: 'append', id, stream, expected, calledAt, returnedAt, told });
  });
  return { calls, log };
};

const kindsIn = ({ calls, log }: History): readonly ViolationKind[] =>
  violationsOf(calls, log).map(({ kind }) => kind);

const isAppend = (call: Call): call is AppendCall => call.kind === 'append';
const acknowledged = (calls: readonly Call[]): readonly AppendCall[] =>
  calls.filter(isAppend).filter(({ told }) => told.outcome === 'appended');

/** Changes one element, the first for which there is a change; undefined when there is none. */
const changeOne = <T>(all: readonly T[], change: (one: T) => T | undefined): T[] | undefined => {
  const at = all.findIndex((one) => change(one) !== undefined);
  return at < 0 ? undefined : all.map((one, i) => (i === at ? (change(one) ?? one) : one));
};
const tell = (history: History, id: string | undefined, told: Told): History | undefined => {
  const calls = changeOne(history.calls, (call) =>
    isAppend(call) && call.id === id ? { ...call, told } : undefined,
  );
  return calls === undefined ? undefined : { ...history, calls };
};

/** What may be wrong, each planted into a history that is right; undefined where it has no place for it. */
const PLANTED: Readonly<Record<ViolationKind, (history: History) => History | undefined>> = {
  lost: (history) => {
    const last = acknowledged(history.calls).find(({ id }) => id === history.log.at(-1)?.id);
    return last && { ...history, log: history.log.slice(0, -1) };
  },
  moved: (history) =>
    tell(history, acknowledged(history.calls)[0]?.id, {
      outcome: 'appended',
      position: toPosition(9_999),
    }),
  twice: (history) => {
    const [first] = history.log;
    return (
      first && { ...history, log: [...history.log, { ...first, position: toPosition(9_999) }] }
    );
  },
  'conflict-but-there': (history) => tell(history, history.log[0]?.id, { outcome: 'conflict' }),
  'not-written-but-there': (history) =>
    tell(history, history.log[0]?.id, { outcome: 'not-written' }),
  'false-conflict': (history) => {
    const call = history.calls.find(
      (one) => isAppend(one) && one.told.outcome === 'not-written',
    ) as AppendCall | undefined;
    // What came later does not excuse it.
    return call && tell(history, call.id, { outcome: 'conflict' });
  },
  gap: (history) => {
    const log = changeOne(history.log, (stored) =>
      stored.from > 0 ? { ...stored, from: stored.from + 1, to: stored.to + 1 } : undefined,
    );
    return log && { ...history, log };
  },
  'not-fenced': (history) => {
    const second = history.log.find(({ from }) => from > 0);
    const calls = changeOne(history.calls, (call) =>
      isAppend(call) && call.id === second?.id ? { ...call, expected: toPosition(0) } : undefined,
    );
    return calls && { ...history, calls };
  },
  'out-of-order': (history) => {
    const [early, late] = acknowledged(history.calls).filter(
      (call, i, all) => i === 0 || call.stream !== all[0]?.stream,
    );
    if (early === undefined || late === undefined) return undefined;
    // The two were called in the other order, with nothing else between.
    const times = { calledAt: -2, returnedAt: -1 };
    const calls = history.calls.map((call) => (call === late ? { ...call, ...times } : call));
    return { ...history, calls };
  },
  strange: (history) => {
    const [first] = history.log;
    if (first === undefined) return undefined;
    return { ...history, calls: history.calls.filter((c) => !isAppend(c) || c.id !== first.id) };
  },
  'read-something-else': (history) =>
    withRead(history, (ids) => (ids.length > 0 ? ['other', ...ids.slice(1)] : undefined)),
  'read-too-little': (history) => {
    const last = acknowledged(history.calls).at(-1);
    if (last === undefined) return undefined;
    const read = { calledAt: 9_998, returnedAt: 9_999, stream: last.stream, ids: [] };
    return { ...history, calls: [...history.calls, { kind: 'read', ...read }] };
  },
  'read-too-early': (history) => {
    const first = history.log[0];
    if (first === undefined) return undefined;
    const { stream, id } = first;
    const read: ReadCall = { kind: 'read', calledAt: -2, returnedAt: -1, stream, ids: [id] };
    return { ...history, calls: [read, ...history.calls] };
  },
};

const withRead = (
  history: History,
  change: (ids: readonly string[]) => readonly string[] | undefined,
): History | undefined => {
  const calls = changeOne(history.calls, (call) => {
    const ids = call.kind === 'read' ? change(call.ids) : undefined;
    return call.kind === 'read' && ids !== undefined ? { ...call, ids } : undefined;
  });
  return calls && { ...history, calls };
};

const histories = fc.array(step, { minLength: 5, maxLength: 60 }).map(historyOf);

describe('the check of a recorded history', () => {
  it('finds nothing where nothing is wrong', () => {
    fc.assert(
      fc.property(histories, (history) => {
        expect(kindsIn(history)).toEqual([]);
      }),
    );
  });

  for (const [kind, plant] of Object.entries(PLANTED)) {
    it(`finds what is planted: ${kind}`, () => {
      let planted = 0;
      fc.assert(
        fc.property(histories, (history) => {
          const broken = plant(history);
          if (broken === undefined) return;
          planted += 1;
          expect(kindsIn(broken)).toContain(kind);
        }),
      );
      expect(planted).toBeGreaterThan(10);
    });
  }

  it('lets two calls that overlap take effect in either order', () => {
    const stream = [streamName('app', 'a'), streamName('app', 'b')] as const;
    const call = (i: 0 | 1): AppendCall => ({
      kind: 'append',
      id: `c${i}`,
      stream: stream[i],
      expected: toPosition(0),
      calledAt: i,
      returnedAt: 10 + i,
      told: { outcome: 'appended', position: toPosition(2 - i) },
    });
    const stored = (i: 0 | 1): StoredAtEnd => ({
      position: toPosition(2 - i),
      stream: stream[i],
      id: `c${i}`,
      from: 0,
      to: 1,
    });
    expect(violationsOf([call(0), call(1)], [stored(1), stored(0)])).toEqual([]);
  });

  it('takes a commit of unknown outcome that came late for what it is, in its own place only', () => {
    const stream = streamName('app', 'a');
    const base = { kind: 'append', stream, expected: toPosition(0) } as const;
    const abandoned = { ...base, id: 'c0', calledAt: 0, returnedAt: 1 } as const;
    const unknown: Call = { ...abandoned, told: { outcome: 'unknown' } };
    const after: Call = {
      ...base,
      id: 'c1',
      calledAt: 2,
      returnedAt: 3,
      told: { outcome: 'appended', position: toPosition(1) },
    };
    const first = { position: toPosition(1), stream, from: 0, to: 1 };
    const second = { position: toPosition(2), stream, from: 1, to: 2 };
    expect(violationsOf([unknown], [{ ...first, id: 'c0' }])).toEqual([]);
    expect(violationsOf([unknown, after], [{ ...first, id: 'c1' }])).toEqual([]);
    const surprise = [
      { ...first, id: 'c1' },
      { ...second, id: 'c0' },
    ];
    expect(violationsOf([unknown, after], surprise)).toEqual([{ kind: 'not-fenced', id: 'c0' }]);
  });
});
