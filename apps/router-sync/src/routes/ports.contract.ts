import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../testing/free-port.js';
import { openTcp, startTcpInstance, whoAt } from '../testing/tcp.js';
import { PATIENTLY } from '../testing/wait-for.js';
import { placeAt, portRoute } from './places.js';
import type { RouteAction, Router } from './router.port.js';

interface PortsUnderTest {
  readonly router: Router;
  close(): Promise<void>;
  /** Kills the proxy, and has it started again without us. */
  restart(): Promise<void>;
}

/** What a router that serves ports promises. */
export const describePorts = (name: string, create: () => Promise<PortsUnderTest>): void => {
  describe(`${name} as a router of ports`, () => {
    let underTest: PortsUnderTest;
    let router: Router;
    let port: number;
    let other: number;
    let first: Awaited<ReturnType<typeof startTcpInstance>>;
    let second: Awaited<ReturnType<typeof startTcpInstance>>;
    beforeAll(async () => {
      underTest = await create();
      router = underTest.router;
      [port, other] = [await freePort(), await freePort()];
      [first, second] = [await startTcpInstance('i1'), await startTcpInstance('i2')];
    });
    afterAll(async () => {
      await underTest.close();
      await first.kill();
      await second.kill();
    });

    const serve = (instanceId: string, at: number): RouteAction => ({
      kind: 'serve',
      endpoint: {
        instanceId: placeAt(instanceId, port),
        ...{ appId: 'a1', host: '127.0.0.1', port: at, weight: 1 },
      },
    });
    const bind: () => RouteAction = () => ({
      kind: 'bind-host',
      host: portRoute(port),
      appId: 'a1',
    });
    const stateOf = async (instanceId: string) =>
      (await router.observe()).endpoints.get(placeAt(instanceId, port));

    it('leads connections to the instances in turn, and shows both', async () => {
      await router.apply([serve('i1', first.port), serve('i2', second.port), bind()]);
      const { hosts, endpoints } = await router.observe();
      expect(hosts.get(portRoute(port))).toBe('a1');
      expect([...endpoints.values()].map(({ appId, state }) => [appId, state])).toEqual([
        ['a1', 'serving'],
        ['a1', 'serving'],
      ]);
      const answers = [await whoAt(port), await whoAt(port), await whoAt(port), await whoAt(port)];
      expect(answers.toSorted()).toEqual(['i1', 'i1', 'i2', 'i2']);
    });

    it('serves the same instance to hosts, as another place', async () => {
      await router.apply([
        {
          kind: 'serve',
          endpoint: { instanceId: 'i1', appId: 'a1', host: '127.0.0.1', port: 9, weight: 1 },
        },
        { kind: 'bind-host', host: 'a1.localhost', appId: 'a1' },
      ]);
      expect((await router.observe()).endpoints.get('i1')).toMatchObject({ port: 9 });
      expect(await stateOf('i1')).toMatchObject({ port: first.port, state: 'serving' });
      await router.apply([
        { kind: 'unbind-host', host: 'a1.localhost' },
        { kind: 'release', instanceId: 'i1' },
      ]);
      expect(await stateOf('i1')).toMatchObject({ state: 'serving' });
    });

    it('comes back with the port and its instances when it is killed', async () => {
      await underTest.restart();
      expect(await stateOf('i2')).toMatchObject({ port: second.port, state: 'serving' });
      expect([await whoAt(port), await whoAt(port)].toSorted()).toEqual(['i1', 'i2']);
    });

    it('drains: nothing new, what is open goes on until it is cut', async () => {
      const open = [await openTcp(port), await openTcp(port)];
      const kept = open.find(({ said }) => said === 'i1');
      await router.apply([{ kind: 'drain', instanceId: placeAt('i1', port) }]);
      expect([await whoAt(port), await whoAt(port)]).toEqual(['i2', 'i2']);
      expect(await stateOf('i1')).toMatchObject({ state: 'draining', sessions: 1 });
      const echoed = new Promise((resolve) => kept?.socket.once('data', resolve));
      kept?.socket.write('still here');
      expect(String(await echoed)).toBe('still here');
      await router.apply([{ kind: 'cut', instanceId: placeAt('i1', port) }]);
      await expect.poll(async () => (await stateOf('i1'))?.sessions, PATIENTLY).toBe(0);
      await router.apply([{ kind: 'release', instanceId: placeAt('i1', port) }]);
      expect(await stateOf('i1')).toBeUndefined();
      for (const { socket } of open) socket.destroy();
    });

    it('goes on past an instance that refuses', async () => {
      await router.apply([serve('i1', first.port)]);
      await second.kill();
      const answers = [await whoAt(port), await whoAt(port), await whoAt(port)];
      expect(answers).toEqual(['i1', 'i1', 'i1']);
    });

    it('takes a port that is new, and leaves what is open alone', async () => {
      const { socket, said } = await openTcp(port);
      expect(said).toBe('i1');
      await router.apply([{ kind: 'bind-host', host: portRoute(other), appId: 'a2' }]);
      expect(await whoAt(other)).toBe('');
      const echoed = new Promise((resolve) => socket.once('data', resolve));
      socket.write('same');
      expect(String(await echoed)).toBe('same');
      socket.destroy();
    });

    it('closes a port that nobody has any more, once it is empty', async () => {
      await router.apply([
        { kind: 'unbind-host', host: portRoute(port) },
        ...['i1', 'i2'].map((id) => ({ kind: 'drain', instanceId: placeAt(id, port) }) as const),
      ]);
      expect(await whoAt(port)).toBe('');
      expect((await router.observe()).emptyPools.has(portRoute(port))).toBe(false);
      await router.apply(
        ['i1', 'i2'].map((id) => ({ kind: 'release', instanceId: placeAt(id, port) }) as const),
      );
      const { emptyPools, hosts } = await router.observe();
      expect([emptyPools.get(portRoute(port)), hosts.has(portRoute(port))]).toEqual([0, false]);
      await router.apply([{ kind: 'release-pool', appId: portRoute(port) }]);
      expect((await router.observe()).emptyPools.has(portRoute(port))).toBe(false);
      await expect.poll(() => whoAt(port), PATIENTLY).toBeUndefined();
      expect(await whoAt(other)).toBe('');
    });
  });
};
