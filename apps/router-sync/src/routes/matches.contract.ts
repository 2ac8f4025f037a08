import { expect, it } from 'vitest';
import { ask } from '../testing/client.js';
import { startInstance, type Ledger } from '../testing/test-instance.js';
import type { ServingRouter } from './serving.contract.js';

export interface RestartedRouter extends ServingRouter {
  /** Whatever a proxy of this kind goes through, up to its death. */
  restart(): Promise<void>;
}

/** Requests of a canary by header or cookie, with real requests and answers. */
export const describeMatches = (name: string, create: () => Promise<RestartedRouter>): void => {
  it(`${name}: requests that match all go to the canary, whatever its part, across a restart, and none when it ended`, async () => {
    const { router, port: routerPort, restart, close } = await create();
    const ledger: Ledger = new Map();
    const all = await Promise.all(
      ['old', 'new1', 'new2'].map((name) => startInstance(name, 0, ledger)),
    );
    const port = (name: string) => all.find((one) => one.name === name)?.port ?? 0;
    const serve = (instanceId: string, weight: number) => ({
      kind: 'serve' as const,
      endpoint: { instanceId, appId: 'a1', host: '127.0.0.1', port: port(instanceId), weight },
    });
    const match = (rule: string) =>
      router.apply([
        { kind: 'match', appId: 'a1', match: { rule, instanceIds: ['new1', 'new2'] } },
      ]);
    const HEADER = { 'X-Canary': 'yes' };
    const host = 'a1.localhost';
    const answers = async (headers: Record<string, string>, of: object = {}) => {
      const some = Array.from({ length: 12 }, () => ask(routerPort, { host, headers, ...of }));
      const bodies = (await Promise.all(some)).map(({ body }) => body.slice(0, 3));
      return [...new Set(bodies)].join();
    };
    await router.apply([
      serve('old', 1),
      serve('new1', 0),
      serve('new2', 0),
      { kind: 'bind-host', host, appId: 'a1' },
    ]);
    expect(await answers(HEADER)).toBe('old');

    await match('header:x-canary=yes');
    const there = async () => {
      expect(await answers(HEADER)).toBe('new');
      expect(await answers({})).toBe('old');
    };
    await there();
    const similar: readonly Record<string, string>[] = [
      { 'X-Canary': 'yesterday' },
      { 'X-Canary': 'no' },
      { 'X-Not-X-Canary': 'yes' },
      { Cookie: 'x-canary=yes' },
      { 'X-Other': 'x-canary: yes' },
    ];
    for (const near of similar) {
      expect([near, await answers(near)]).toEqual([near, 'old']);
    }
    const counted = await router.traffic('a1');
    expect(['new1', 'new2'].map((id) => (counted.get(id)?.requests ?? 0) > 0)).toEqual([
      true,
      true,
    ]);
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
    await Promise.all(
      keys.map((key) =>
        ask(routerPort, { host, method: 'POST', headers: { ...HEADER, 'x-key': key } }),
      ),
    );
    expect(keys.map((key) => ledger.get(key))).toEqual(keys.map(() => 1));

    await restart();
    await there();

    await match('cookie:beta=1');
    expect(await answers(HEADER)).toBe('old');
    for (const cookie of ['beta=1', 'a=b; beta=1', 'a=b;beta=1; c=d']) {
      expect([cookie, await answers({ cookie })]).toEqual([cookie, 'new']);
    }
    for (const cookie of ['beta=12', 'xbeta=1', 'a=beta=1', 'beta', 'beta=1.0']) {
      expect([cookie, await answers({ cookie })]).toEqual([cookie, 'old']);
    }
    await match('header:x-canary');
    expect(await answers({ 'X-Canary': 'whatever' })).toBe('new');

    // Promoted: everything is new, whether it matches or not; aborted: everything is old.
    await router.apply([
      { kind: 'weigh', instanceId: 'new1', weight: 1 },
      { kind: 'weigh', instanceId: 'new2', weight: 1 },
      { kind: 'weigh', instanceId: 'old', weight: 0 },
    ]);
    expect([await answers(HEADER), await answers({})]).toEqual(['new', 'new']);
    await router.apply([
      { kind: 'weigh', instanceId: 'old', weight: 1 },
      { kind: 'weigh', instanceId: 'new1', weight: 0 },
      { kind: 'weigh', instanceId: 'new2', weight: 0 },
      { kind: 'unmatch', appId: 'a1' },
    ]);
    expect([await answers(HEADER), await answers({})]).toEqual(['old', 'old']);

    // One that died is nobody's: its requests go on as any other.
    await match('header:x-canary=yes');
    await router.apply([
      { kind: 'suspend', instanceId: 'new1' },
      { kind: 'suspend', instanceId: 'new2' },
    ]);
    expect(await answers(HEADER)).toBe('old');
    await Promise.all(all.map((one) => one.kill()));
    await close();
  });
};
