import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Endpoint, Router } from './router.port.js';

export interface RouterUnderTest {
  readonly router: Router;
  close(): Promise<void>;
}

const endpoint = (instanceId: string, appId: string, port: number, weight = 1): Endpoint => ({
  instanceId,
  appId,
  host: '127.0.0.1',
  port,
  weight,
});

/** What every router promises, whatever its technology. */
export const describeRouter = (name: string, create: () => Promise<RouterUnderTest>): void => {
  describe(`${name} as a router`, () => {
    let underTest: RouterUnderTest;
    let router: Router;
    beforeAll(async () => {
      underTest = await create();
      router = underTest.router;
    });
    afterAll(() => underTest.close());

    const stateOf = async (instanceId: string) =>
      (await router.observe()).endpoints.get(instanceId)?.state;

    it('begins with nothing', async () => {
      const { hosts, endpoints, emptyPools } = await router.observe();
      expect([hosts.size, endpoints.size, emptyPools.size]).toEqual([0, 0, 0]);
    });

    it('shows what it was asked to serve', async () => {
      await router.apply([
        { kind: 'serve', endpoint: endpoint('i1', 'a1', 9001) },
        { kind: 'bind-host', host: 'a1.localhost', appId: 'a1' },
      ]);
      const { hosts, endpoints } = await router.observe();
      expect([...hosts]).toEqual([['a1.localhost', 'a1']]);
      expect(endpoints.get('i1')).toMatchObject({
        ...endpoint('i1', 'a1', 9001),
        state: 'serving',
        sessions: 0,
      });
    });

    it('is the same after the same actions again', async () => {
      const before = await router.observe();
      await router.apply([
        { kind: 'serve', endpoint: endpoint('i1', 'a1', 9001) },
        { kind: 'bind-host', host: 'a1.localhost', appId: 'a1' },
      ]);
      expect(await router.observe()).toEqual(before);
    });

    it('binds a host before its app has an instance', async () => {
      await router.apply([{ kind: 'bind-host', host: 'a2.localhost', appId: 'a2' }]);
      expect((await router.observe()).hosts.get('a2.localhost')).toBe('a2');
    });

    it('keeps the place of what is suspended, and serves it again', async () => {
      await router.apply([{ kind: 'suspend', instanceId: 'i1' }]);
      expect(await stateOf('i1')).toBe('out');
      await router.apply([{ kind: 'serve', endpoint: endpoint('i1', 'a1', 9001) }]);
      expect(await stateOf('i1')).toBe('serving');
    });

    it('moves an instance to another port', async () => {
      await router.apply([{ kind: 'serve', endpoint: endpoint('i1', 'a1', 9002) }]);
      expect((await router.observe()).endpoints.get('i1')).toMatchObject({
        port: 9002,
        state: 'serving',
      });
    });

    it('gives an instance another part of the requests, and a new one its own from the start', async () => {
      const weights = async () => {
        const { endpoints } = await router.observe();
        return ['i1', 'w1'].map((id) => [endpoints.get(id)?.weight, endpoints.get(id)?.state]);
      };
      await router.apply([{ kind: 'serve', endpoint: endpoint('w1', 'a1', 9008, 0) }]);
      expect(await weights()).toEqual([
        [1, 'serving'],
        [0, 'serving'],
      ]);
      await router.apply([
        { kind: 'weigh', instanceId: 'w1', weight: 256 },
        { kind: 'weigh', instanceId: 'i1', weight: 13 },
      ]);
      expect(await weights()).toEqual([
        [13, 'serving'],
        [256, 'serving'],
      ]);
      const counted = await router.traffic('a1');
      expect([...counted.keys()].toSorted()).toEqual(['i1', 'w1']);
      expect(counted.get('w1')).toEqual({ requests: 0, errors: 0, meanMs: 0 });
      expect((await router.traffic('nobody')).size).toBe(0);
      const { instances, queued } = await router.underWay();
      expect([instances.get('i1'), instances.get('w1'), queued.size]).toEqual([0, 0, 0]);
      // Whoever has the place next begins with its own part.
      await router.apply([{ kind: 'drain', instanceId: 'w1' }]);
      await router.apply([{ kind: 'release', instanceId: 'w1' }]);
      await router.apply([{ kind: 'serve', endpoint: endpoint('i1', 'a1', 9002) }]);
      await router.apply([{ kind: 'serve', endpoint: endpoint('w1', 'a1', 9009) }]);
      expect(await weights()).toEqual([
        [1, 'serving'],
        [1, 'serving'],
      ]);
      await router.apply([{ kind: 'drain', instanceId: 'w1' }]);
      await router.apply([{ kind: 'release', instanceId: 'w1' }]);
    });

    it('sends requests that match to certain instances, as long as it is told so', async () => {
      const matches = async () => Object.fromEntries((await router.observe()).matches);
      const match = (rule: string, ...instanceIds: string[]) =>
        router.apply([{ kind: 'match', appId: 'a1', match: { rule, instanceIds } }]);
      expect(await matches()).toEqual({});
      await router.apply([{ kind: 'serve', endpoint: endpoint('w2', 'a1', 9010, 0) }]);
      const rule = 'header:x-canary=yes';
      await match(rule, 'w2');
      expect(await matches()).toEqual({ a1: { rule, instanceIds: ['w2'] } });
      await match(rule, 'w2');
      await match(rule, 'i1', 'w2');
      expect(await matches()).toEqual({ a1: { rule, instanceIds: ['i1', 'w2'] } });
      const other = 'cookie:beta';
      await match(other, 'w2');
      expect(await matches()).toEqual({ a1: { rule: other, instanceIds: ['w2'] } });
      // Nobody there who could take them: as if nothing had been said.
      await match(other, 'nobody');
      expect(await matches()).toEqual({});
      await match(other, 'w2');
      await router.apply([{ kind: 'unmatch', appId: 'a1' }]);
      await router.apply([{ kind: 'unmatch', appId: 'nobody' }]);
      expect(await matches()).toEqual({});
      await router.apply([{ kind: 'drain', instanceId: 'w2' }]);
      await router.apply([{ kind: 'release', instanceId: 'w2' }]);
    });

    it('drains, then forgets', async () => {
      await router.apply([{ kind: 'serve', endpoint: endpoint('i2', 'a1', 9003) }]);
      await router.apply([{ kind: 'drain', instanceId: 'i1' }]);
      expect(await stateOf('i1')).toBe('draining');
      expect(await stateOf('i2')).toBe('serving');
      await router.apply([
        { kind: 'cut', instanceId: 'i1' },
        { kind: 'release', instanceId: 'i1' },
      ]);
      expect(await stateOf('i1')).toBeUndefined();
    });

    it('does nothing to what is not there', async () => {
      const before = await router.observe();
      await router.apply([
        { kind: 'weigh', instanceId: 'nobody', weight: 3 },
        { kind: 'suspend', instanceId: 'nobody' },
        { kind: 'drain', instanceId: 'nobody' },
        { kind: 'cut', instanceId: 'nobody' },
        { kind: 'release', instanceId: 'nobody' },
        { kind: 'unbind-host', host: 'nobody.localhost' },
        { kind: 'release-pool', appId: 'nobody' },
      ]);
      expect(await router.observe()).toEqual(before);
    });

    it('moves a host to another app', async () => {
      await router.apply([{ kind: 'bind-host', host: 'a1.localhost', appId: 'a2' }]);
      expect((await router.observe()).hosts.get('a1.localhost')).toBe('a2');
    });

    it('shows an emptied place until it is released', async () => {
      await router.apply([{ kind: 'release', instanceId: 'i2' }]);
      expect([...(await router.observe()).emptyPools]).toEqual([['a1', 0]]);
      await router.apply([{ kind: 'release-pool', appId: 'a1' }]);
      expect((await router.observe()).emptyPools.size).toBe(0);
    });

    it('takes many changes at once', async () => {
      const many = Array.from({ length: 100 }, (_, i) => i);
      await router.apply(
        many.flatMap((i) => [
          { kind: 'serve' as const, endpoint: endpoint(`m${i}`, `app${i % 50}`, 10_000 + i) },
          { kind: 'bind-host' as const, host: `m${i}.example.com`, appId: `app${i % 50}` },
        ]),
      );
      const { hosts, endpoints } = await router.observe();
      for (const i of many) {
        expect(hosts.get(`m${i}.example.com`)).toBe(`app${i % 50}`);
        expect(endpoints.get(`m${i}`)).toMatchObject({ port: 10_000 + i, state: 'serving' });
      }
    });
  });
};
