import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InMemoryRouter } from './in-memory-router.js';
import { QuarantiningRouter } from './quarantine.js';
import { describeRouter } from './router.contract.js';
import { RouterError, type RouteAction } from './router.port.js';

/** Refuses whole what has an app in it whose name begins so, for its own fault where it is `badport`; counts how often it was asked. */
class PickyRouter extends InMemoryRouter {
  asked = 0;
  refused = /^bad/;
  override apply(actions: readonly RouteAction[]): Promise<void> {
    this.asked += 1;
    const culprit = actions.find(
      (a) => a.kind === 'serve' && this.refused.test(a.endpoint.instanceId),
    );
    return culprit === undefined
      ? super.apply(actions)
      : Promise.reject(
          new RouterError('router-refused', 'no such address', {
            isOfApp: actions.some((a) => a.kind === 'serve' && /^badport/.test(a.endpoint.appId)),
          }),
        );
  }
}

const serve = (appId: string, port = 1): RouteAction => ({
  kind: 'serve',
  endpoint: { instanceId: `${appId}-1`, appId, host: '127.0.0.1', port, weight: 1 },
});

const setUp = () => {
  const inner = new PickyRouter();
  const said: string[] = [];
  const clock = { nowMs: 0 };
  const router = new QuarantiningRouter(inner, {
    nowMs: () => clock.nowMs,
    onChange: (appId, reason) => said.push(`${appId}: ${reason ?? 'well again'}`),
  });
  return { inner, said, clock, router };
};

describeRouter('what puts apps aside', () =>
  Promise.resolve({ router: setUp().router, close: () => Promise.resolve() }),
);

describe('an app that the proxy refuses', () => {
  it('is found among many, named once, and keeps nobody else from being served', async () => {
    const { inner, said, router } = setUp();
    const many = Array.from({ length: 100 }, (_, i) => serve(`app${i}`));
    const actions = [...many.slice(0, 37), serve('bad'), ...many.slice(37)];
    await router.apply(actions);
    const { endpoints } = await router.observe();
    expect([endpoints.size, endpoints.has('bad-1')]).toEqual([100, false]);
    expect(said).toEqual(['bad: no such address']);
    expect(inner.asked).toBeLessThan(20);
    inner.asked = 0;
    await router.apply(actions);
    expect([inner.asked, said.length]).toEqual([1, 1]);
    expect([...router.quarantined]).toEqual([['bad', 'no such address']]);
  });

  it('is tried again when something else is asked for it, or after a while, and is then well', async () => {
    const { inner, said, clock, router } = setUp();
    await router.apply([serve('bad'), serve('good')]);
    await router.apply([serve('bad', 2), serve('good')]);
    expect(inner.asked).toBe(6);
    inner.refused = /nobody/;
    await router.apply([serve('bad', 2)]);
    expect(inner.asked).toBe(6);
    clock.nowMs = 30_000;
    await router.apply([serve('bad', 2)]);
    expect(said).toEqual(['bad: no such address', 'bad: well again']);
    expect(router.quarantined.size).toBe(0);
  });

  it('is forgotten when nothing is asked for it any more', async () => {
    const { said, router } = setUp();
    await router.apply([serve('bad'), serve('good')]);
    await router.apply([]);
    expect(said).toEqual(['bad: no such address', 'bad: well again']);
  });

  it('is put aside when it is known to be its own matter, though nothing else is due', async () => {
    const { said, router } = setUp();
    await router.apply([serve('badport1'), serve('badport2'), serve('bad')]);
    expect(said.toSorted()).toEqual([
      'bad: no such address',
      'badport1: no such address',
      'badport2: no such address',
    ]);
  });

  it('is not to blame when everything is refused, or nothing is reached', async () => {
    const { inner, said, router } = setUp();
    await expect(router.apply([serve('bad1'), serve('bad2')])).rejects.toMatchObject({
      code: 'router-refused',
    });
    inner.apply = () => Promise.reject(new RouterError('router-unreachable', 'nobody there'));
    await expect(router.apply([serve('a'), serve('b')])).rejects.toMatchObject({
      code: 'router-unreachable',
    });
    expect(said).toEqual([]);
  });
});

/** Refuses whole what has one of these in it. */
class RefusingRouter extends InMemoryRouter {
  constructor(private readonly refused: ReadonlySet<string>) {
    super();
  }
  override apply(actions: readonly RouteAction[]): Promise<void> {
    return actions.some((action) => this.refused.has(JSON.stringify(action)))
      ? Promise.reject(new RouterError('router-refused', 'no such address'))
      : super.apply(actions);
  }
}

describe('what of an app is held back', () => {
  const APPS = ['a', 'b', 'c'];
  const rules = (id: string) => ({ id }) as Extract<RouteAction, { kind: 'police' }>['rules'];
  const actionsOf = (appId: string): RouteAction[] => {
    const ids = [1, 2, 3].map((n) => `${appId}-${n}`);
    const at = { appId, host: '127.0.0.1', port: 1, weight: 1 };
    return [
      ...ids.map((instanceId) => ({ kind: 'suspend', instanceId }) as const),
      { kind: 'serve', endpoint: { ...at, instanceId: `${appId}-4` } },
      { kind: 'serve', endpoint: { ...at, instanceId: `${appId}-5` } },
      { kind: 'police', appId, rules: rules('p') },
      { kind: 'bind-host', host: `${appId}.new`, appId },
      { kind: 'unbind-host', host: `${appId}.old` },
      ...ids.map((instanceId) => ({ kind: 'drain', instanceId }) as const),
      ...ids.map((instanceId) => ({ kind: 'release', instanceId }) as const),
    ];
  };
  const there = APPS.flatMap((appId): RouteAction[] => [
    ...[1, 2, 3].map((n) => ({
      kind: 'serve' as const,
      endpoint: { instanceId: `${appId}-${n}`, appId, host: '127.0.0.1', port: 1, weight: 1 },
    })),
    { kind: 'bind-host', host: `${appId}.old`, appId },
  ]);
  const fine = serve('fine');
  const all = APPS.flatMap(actionsOf);

  it('is what was refused and nothing else, at once and in the next rounds; no policy, no new host', async () => {
    const chosen = fc.subarray(all, { minLength: 1 }).chain((asked) =>
      fc.record({
        asked: fc.constant(asked),
        refused: fc.subarray(
          asked.filter(({ kind }) => ['serve', 'police', 'bind-host'].includes(kind)),
        ),
      }),
    );
    await fc.assert(
      fc.asyncProperty(chosen, async ({ asked, refused }) => {
        const inner = new RefusingRouter(new Set(refused.map((action) => JSON.stringify(action))));
        const router = new QuarantiningRouter(inner, { nowMs: () => 0, onChange: () => undefined });
        const model = new InMemoryRouter();
        await inner.apply(there);
        await model.apply(there);
        await router.observe();
        const unpoliced = new Set(
          refused.flatMap((action) => (action.kind === 'police' ? action.appId : [])),
        );
        const isCarriedOut = (action: RouteAction): boolean =>
          !refused.includes(action) &&
          !(action.kind === 'bind-host' && unpoliced.has(action.appId));
        await model.apply([fine, ...asked.filter(isCarriedOut)]);
        for (let round = 0; round < 2; round += 1) {
          await router.apply([fine, ...asked]);
          expect(await inner.observe()).toEqual(await model.observe());
        }
        const blamed = refused.flatMap((action) =>
          action.kind === 'serve' ? action.endpoint.appId : 'appId' in action ? action.appId : [],
        );
        expect(new Set(router.quarantined.keys())).toEqual(new Set(blamed));
      }),
      { numRuns: 300 },
    );
  });

  it('does not keep an instance in that the log takes out, where its successor is refused', async () => {
    const { router, said } = setUp();
    await router.apply([{ kind: 'serve', endpoint: { ...OLD, instanceId: 'old' } }, fine]);
    const { endpoints } = await router.observe();
    expect(endpoints.get('old')).toMatchObject({ state: 'serving' });
    await router.apply([serve('bad'), { kind: 'drain', instanceId: 'old' }, fine]);
    const after = (await router.observe()).endpoints;
    expect(after.get('old')).toMatchObject({ state: 'draining' });
    expect(after.has('bad-1')).toBe(false);
    await router.apply([serve('bad'), { kind: 'release', instanceId: 'old' }]);
    expect((await router.observe()).endpoints.has('old')).toBe(false);
    expect(said).toEqual(['bad: no such address']);
  });

  const OLD = { appId: 'bad', host: '127.0.0.1', port: 1, weight: 1 };
});
