import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DesiredEndpoint, DesiredRoutes } from './desired-routes.js';
import { InMemoryRouter } from './in-memory-router.js';
import { planRoutes, sinceNow, type Since } from './plan.js';
import type { ActualEndpoint, ActualRoutes } from './router.port.js';
import { rulesOf } from './traffic-rules.js';

const never: Since = { draining: new Map(), empty: new Map() };

const wanted = (
  instanceId: string,
  want: DesiredEndpoint['want'],
  appId = 'a1',
): DesiredEndpoint => ({
  instanceId,
  appId,
  host: '127.0.0.1',
  port: 20_000 + Number(instanceId.slice(1)),
  weight: 1,
  want,
  drainMs: 1_000,
});

const seen = (
  instanceId: string,
  state: ActualEndpoint['state'],
  sessions = 0,
  appId = 'a1',
): ActualEndpoint => ({
  instanceId,
  appId,
  host: '127.0.0.1',
  port: 20_000 + Number(instanceId.slice(1)),
  weight: 1,
  state,
  sessions,
});

const desiredOf = (
  endpoints: readonly DesiredEndpoint[],
  hosts: Readonly<Record<string, string>> = { 'a1.localhost': 'a1' },
  knownApps: readonly string[] = ['a1'],
): DesiredRoutes => ({
  hosts: new Map(Object.entries(hosts)),
  uses: new Map(),
  matches: new Map(),
  policies: new Map(),
  notices: new Map(),
  endpoints: new Map(endpoints.map((e) => [e.instanceId, e])),
  knownApps: new Set(knownApps),
});

const actualOf = (
  endpoints: readonly ActualEndpoint[],
  hosts: Readonly<Record<string, string>> = { 'a1.localhost': 'a1' },
): ActualRoutes => ({
  hosts: new Map(Object.entries(hosts)),
  uses: new Map(),
  matches: new Map(),
  policies: new Map(),
  notices: new Map(),
  endpoints: new Map(endpoints.map((e) => [e.instanceId, e])),
  emptyPools: new Map(),
});

const kinds = (plan: ReturnType<typeof planRoutes>) => plan.actions.map(({ kind }) => kind);
const drainingSince = (id: string, ms: number): Since => ({
  ...never,
  draining: new Map([[id, ms]]),
});

describe('the plan', () => {
  it('has an app policed before it is reached, again when its policy is another or not whole, and no more', () => {
    const rules = rulesOf({ bodyBytes: 1 });
    const serving = desiredOf([wanted('i1', 'serving')]);
    const desired = { ...serving, policies: new Map([['a1', rules]]) };
    expect(kinds(planRoutes(desired, actualOf([], {}), never, 0))).toEqual([
      'serve',
      'police',
      'bind-host',
    ]);
    const policed = (id: string): ActualRoutes => ({
      ...actualOf([seen('i1', 'serving')]),
      policies: new Map([['a1', id]]),
    });
    expect(kinds(planRoutes(desired, policed(rules.id), never, 0))).toEqual([]);
    expect(kinds(planRoutes(desired, policed(''), never, 0))).toEqual(['police']);
    expect(kinds(planRoutes(serving, policed(rules.id), never, 0))).toEqual(['unpolice']);
    // An app that the log does not know keeps what protects it.
    const unknown = { ...serving, knownApps: new Set<string>() };
    expect(kinds(planRoutes(unknown, policed(rules.id), never, 0))).toEqual([]);
  });

  it('serves what is ready before it binds the host that leads there', () => {
    const plan = planRoutes(desiredOf([wanted('i1', 'serving')]), actualOf([], {}), never, 0);
    expect(kinds(plan)).toEqual(['serve', 'bind-host']);
  });

  it('has what gets no requests served after what gets some', () => {
    const canary = { ...wanted('i1', 'serving'), weight: 0 };
    const match = { rule: 'cookie:beta', instanceIds: ['i1'] };
    const desired = {
      ...desiredOf([canary, wanted('i2', 'serving')]),
      matches: new Map([['a1', match]]),
    };
    const { actions } = planRoutes(desired, actualOf([], {}), never, 0);
    expect(
      actions.map((action) => (action.kind === 'serve' ? action.endpoint.instanceId : action.kind)),
    ).toEqual(['i2', 'i1', 'match', 'bind-host']);
  });

  it('lets a canary have its requests once it serves, and nobody before it is drained', () => {
    const match = { rule: 'cookie:beta', instanceIds: ['i2'] };
    const matching = (
      endpoints: Parameters<typeof desiredOf>[0],
      ...apps: [string, typeof match][]
    ) => ({
      ...desiredOf(endpoints),
      matches: new Map(apps),
    });
    const i1 = wanted('i1', 'serving');
    const serving = seen('i1', 'serving');
    const begins = matching([i1, wanted('i2', 'serving')], ['a1', match]);
    expect(kinds(planRoutes(begins, actualOf([serving]), never, 0))).toEqual(['serve', 'match']);
    const both = [serving, seen('i2', 'serving')];
    const there = { ...actualOf(both), matches: new Map([['a1', match]]) };
    expect(kinds(planRoutes(begins, there, never, 0))).toEqual([]);
    const ends = matching([i1, wanted('i2', 'draining')]);
    expect(kinds(planRoutes(ends, there, never, 0))).toEqual(['unmatch', 'drain']);
    const other = matching([i1, wanted('i2', 'serving')], ['a1', { ...match, rule: 'cookie:x' }]);
    expect(kinds(planRoutes(other, there, never, 0))).toEqual(['match']);
  });

  it('tells clients what there is to tell, and no more when there is nothing', () => {
    const starting = { kind: 'starting' } as const;
    const maintained = { kind: 'maintenance', page: null, allow: ['8:0A'] } as const;
    const desired = desiredOf([wanted('i1', 'suspended')]);
    const told = { ...desired, notices: new Map([['a1', starting]]) };
    const actual = actualOf([]);
    expect(planRoutes(told, actual, never, 0).actions).toEqual([
      { kind: 'notify', appId: 'a1', notice: starting },
    ]);
    const there = { ...actual, notices: new Map([['a1', { ...maintained }]]) };
    const same = { ...desired, notices: new Map([['a1', maintained]]) };
    expect(kinds(planRoutes(same, there, never, 0))).toEqual([]);
    expect(planRoutes(desired, there, never, 0).actions).toEqual([
      { kind: 'notify', appId: 'a1', notice: null },
    ]);
  });

  it('keeps what clients of apps are told that the log does not know, where that is all', () => {
    const empty = { ...desiredOf([], {}), knownApps: new Set<string>() };
    const actual = {
      ...actualOf([seen('i1', 'serving')]),
      notices: new Map([['a1', { kind: 'starting' } as const]]),
    };
    expect(planRoutes(empty, actual, never, 0).actions).toEqual([]);
  });

  it('takes the host away before the servers behind it', () => {
    const desired = desiredOf([wanted('i1', 'draining')], {});
    expect(kinds(planRoutes(desired, actualOf([seen('i1', 'serving')]), never, 0))).toEqual([
      'unbind-host',
      'drain',
    ]);
  });

  it('does nothing where everything is right', () => {
    const desired = desiredOf([wanted('i1', 'serving')]);
    const plan = planRoutes(desired, actualOf([seen('i1', 'serving')]), never, 0);
    expect(plan).toEqual({ actions: [], refused: [], nextRoundInMs: undefined });
  });

  it('moves an instance whose address is another one', () => {
    const desired = desiredOf([{ ...wanted('i1', 'serving'), port: 1234 }]);
    expect(kinds(planRoutes(desired, actualOf([seen('i1', 'serving')]), never, 0))).toEqual([
      'serve',
    ]);
  });

  it('suspends at once what exited', () => {
    const desired = desiredOf([wanted('i1', 'suspended')]);
    expect(kinds(planRoutes(desired, actualOf([seen('i1', 'serving', 3)]), never, 0))).toEqual([
      'suspend',
    ]);
  });

  it.each([
    ['waits for the count to settle', 0, 40, [], 10],
    ['releases what has no request under way', 0, 60, ['release'], undefined],
    ['waits for requests under way', 2, 500, [], 100],
    ['cuts them at the deadline', 2, 1_000, ['cut'], 50],
    ['gives up what cannot be cut', 2, 3_000, ['release'], undefined],
  ] as const)('of a draining instance %s', (_, sessions, nowMs, expected, nextRoundInMs) => {
    const desired = desiredOf([wanted('i1', 'draining')]);
    const actual = actualOf([seen('i1', 'draining', sessions)]);
    const plan = planRoutes(desired, actual, drainingSince('i1', 0), nowMs);
    expect(kinds(plan)).toEqual(expected);
    expect(plan.nextRoundInMs).toBe(nextRoundInMs);
  });

  it('releases the place of an app that is gone, once it was empty for a while', () => {
    const desired = desiredOf([], {}, ['a1']);
    const actual = { ...actualOf([], {}), emptyPools: new Map([['a1', 0]]) };
    const since = { ...never, empty: new Map([['a1', 0]]) };
    expect(kinds(planRoutes(desired, actual, since, 999))).toEqual([]);
    expect(kinds(planRoutes(desired, actual, since, 1_000))).toEqual(['release-pool']);
  });
});

describe('bounded removal', () => {
  const serving = [1, 2, 3, 4].map((n) => seen(`i${n}`, 'serving'));
  const empty = desiredOf([], {}, []);

  it('refuses to take everything out for an empty log', () => {
    const plan = planRoutes(empty, actualOf(serving), never, 0);
    expect(plan.actions).toEqual([]);
    expect(plan.refused).toEqual(['i1', 'i2', 'i3', 'i4', 'a1.localhost']);
  });

  it('takes everything out when the log says so', () => {
    const desired = desiredOf(
      [1, 2, 3, 4].map((n) => wanted(`i${n}`, 'draining')),
      {},
    );
    const plan = planRoutes(desired, actualOf(serving), never, 0);
    expect(plan.refused).toEqual([]);
    expect(kinds(plan)).toEqual(['unbind-host', 'drain', 'drain', 'drain', 'drain']);
  });

  it('still adds what is new while it refuses', () => {
    const desired = desiredOf([wanted('i9', 'serving', 'a9')], { 'a9.localhost': 'a9' }, ['a9']);
    const plan = planRoutes(desired, actualOf(serving), never, 0);
    expect(plan.refused).toHaveLength(5);
    expect(kinds(plan)).toEqual(['serve', 'bind-host']);
  });

  it('takes out the few that nobody knows', () => {
    const desired = desiredOf([1, 2, 3].map((n) => wanted(`i${n}`, 'serving')));
    const actual = actualOf([...serving.slice(0, 3), seen('i4', 'serving', 0, 'unknown')]);
    const plan = planRoutes(desired, actual, never, 0);
    expect(plan).toMatchObject({ refused: [], actions: [{ kind: 'drain', instanceId: 'i4' }] });
  });
});

const APPS = ['a1', 'a2', 'a3'];
const arbitraryEndpoint = fc.record({
  n: fc.integer({ min: 1, max: 12 }),
  appId: fc.constantFrom(...APPS),
  want: fc.constantFrom('serving', 'suspended', 'draining'),
});
const arbitraryDesired = fc
  .uniqueArray(arbitraryEndpoint, { selector: ({ n }) => n })
  .chain((endpoints) =>
    fc
      .dictionary(fc.constantFrom('x.test', 'y.test', 'z.test'), fc.constantFrom(...APPS))
      .map((hosts) =>
        desiredOf(
          endpoints.map(({ n, appId, want }) => wanted(`i${n}`, want as 'serving', appId)),
          hosts,
          APPS,
        ),
      ),
  );

/** Rounds on the fake until the plan is empty; its clock moves on by a second each. */
const converge = async (router: InMemoryRouter, desired: DesiredRoutes, cutAfter = Infinity) => {
  let since = never;
  for (let round = 0; round < 12; round += 1) {
    const actual = await router.observe();
    since = sinceNow(since, actual, round * 1_000);
    const { actions } = planRoutes(desired, actual, since, round * 1_000);
    if (actions.length === 0 && round > 4) return round;
    await router.apply(round === 0 ? actions.slice(0, cutAfter) : actions);
  }
  throw new Error('did not converge');
};

describe('from any world', () => {
  it('converges, wherever the first round was cut, and serves exactly what is wanted', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryDesired, arbitraryDesired, fc.nat(12), async (from, to, cut) => {
        const router = new InMemoryRouter();
        await converge(router, from);
        await converge(router, to, cut);
        const { hosts, endpoints } = await router.observe();
        expect(new Map([...hosts].toSorted())).toEqual(new Map([...to.hosts].toSorted()));
        const serving = [...endpoints.values()].filter(({ state }) => state === 'serving');
        expect(serving.map(({ instanceId }) => instanceId).toSorted()).toEqual(
          [...to.endpoints.values()]
            .filter(({ want }) => want === 'serving')
            .map(({ instanceId }) => instanceId)
            .toSorted(),
        );
      }),
    );
  });

  it('never touches a ready instance that is served already', () => {
    fc.assert(
      fc.property(arbitraryDesired, (desired) => {
        const actual = actualOf(
          [...desired.endpoints.values()].map(({ instanceId, appId }) =>
            seen(instanceId, 'serving', 0, appId),
          ),
        );
        const ready = new Set(
          [...desired.endpoints.values()]
            .filter(({ want }) => want === 'serving')
            .map(({ instanceId }) => instanceId),
        );
        for (const action of planRoutes(desired, actual, never, 0).actions) {
          if ('instanceId' in action) expect(ready.has(action.instanceId)).toBe(false);
          expect(action.kind).not.toBe('serve');
        }
      }),
    );
  });
});
