import { describe, expect, it } from 'vitest';
import { InMemoryRouter } from './in-memory-router.js';
import { QuarantiningRouter } from './quarantine.js';
import { describeRouter } from './router.contract.js';
import { RouterError, type RouteAction } from './router.port.js';

/** Refuses whole what has an app in it whose name begins so; counts how often it was asked. */
class PickyRouter extends InMemoryRouter {
  asked = 0;
  refused = /^bad/;
  override apply(actions: readonly RouteAction[]): Promise<void> {
    this.asked += 1;
    const culprit = actions.find((a) => a.kind === 'serve' && this.refused.test(a.endpoint.appId));
    return culprit === undefined
      ? super.apply(actions)
      : Promise.reject(new RouterError('router-refused', 'no such address'));
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
