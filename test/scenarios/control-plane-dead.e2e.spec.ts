import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { killContainerProcess, startTimes } from '../support/containers.js';
import { executedIn, failuresOf, startLoad } from '../support/load.js';
import { Observer } from '../support/observer.js';
import { freePort, TestPlatform } from '../support/platform.js';
import { deployed, type Repository } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

/** What dies with the control plane. HAProxy is nobody's child, and goes on in all but the last. */
const DEATHS = [
  ['the control plane', /(?!)/],
  ['the control plane and nats-server', /nats-server/],
] as const;

describe('a dead control plane', () => {
  let platform: TestPlatform;
  let repository: Repository;
  let appId: string;
  /** Led to the app without HTTP, which it speaks all the same. */
  let port: number;
  const byPort = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/`)).status;
  beforeAll(async () => {
    port = await freePort();
    const env = { SHIPLOG_TCP_PORTS: `${port}-${port}` };
    platform = await TestPlatform.start({ name: 'dead', env });
    repository = await deployed(platform, 'ledger', 'ledger');
    await platform.json(['ports', 'add', String(port), '-a', 'ledger']);
    await platform.json(['scale', '-a', 'ledger', 'web=2']);
    appId = (await platform.json<{ id: string }>(['apps', 'show', '-a', 'ledger'])).id;
  });
  afterAll(async () => {
    await repository.remove();
    await platform.destroy();
  });

  const containerIds = async (): Promise<string[]> =>
    (await platform.containers()).filter(({ State }) => State === 'running').map(({ Id }) => Id);

  const startsInLog = async (): Promise<number> => {
    const observer = await Observer.open(platform);
    try {
      expect(await observer.doubled(appId)).toEqual([]);
      return await observer.startsOf(appId);
    } finally {
      await observer.close();
    }
  };

  for (const [what, daemons] of DEATHS) {
    it(`leaves apps serving, and crashed instances come back: ${what}`, async () => {
      // One that is not back in routing since the last death would leave nobody when the other one is killed.
      await waitFor('both instances to be routed', async () => (await ps()).every(isRouted));
      const [before, victim = ''] = [await startsInLog(), ...(await containerIds())];
      const instances = await instanceNames();
      await platform.kill();
      await platform.killDaemons(daemons);
      expect(await byPort()).toBe(200);

      const executed = (await executedIn(victim)).length;
      const load = await startLoad(platform, 'ledger', { slowPosts: 5 });
      await waitFor('POSTs to be under way', async () => {
        return (await executedIn(victim)).length > executed + 20;
      });
      const startedAt = (await startTimes([victim])).get(victim);
      await killContainerProcess(victim);
      await waitFor('the engine to start it again', async () => {
        const [container] = (await startTimes([victim])).values();
        return container !== startedAt;
      });
      await waitFor('both instances to answer', async () => {
        const seen = new Set<string>();
        for (let i = 0; i < 10; i += 1) seen.add(await whoAnswers());
        return seen.size === instances.size;
      });
      const report = await load.stop();
      expect(await byPort()).toBe(200);

      const running = await startTimes(await containerIds());
      const ms = await platform.start();
      console.log(`started after kill -9 of ${what} in ${Math.round(ms)} ms`);
      await waitFor('the log to tell of the restart', async () => (await startsInLog()) > before);
      expect(await startsInLog()).toBe(before + 1);
      expect(await startTimes(await containerIds())).toEqual(running);
      const failures = await failuresOf(platform, 'ledger', report);
      expect(failures.filter(isAvoidable)).toEqual([]);
      expect(failures.filter(isTold)).not.toEqual([]);
    });
  }

  it('is started again after kill -9 of everything, and adopts the containers as they run', async () => {
    const running = await startTimes(await containerIds());
    const before = await startsInLog();
    await platform.kill();
    await platform.killDaemons();
    await platform.start();
    expect((await platform.get('ledger')).status).toBe(200);
    expect(await byPort()).toBe(200);
    expect(await startTimes(await containerIds())).toEqual(running);
    expect(await startsInLog()).toBe(before);
  });

  const whoAnswers = async (): Promise<string> =>
    (await platform.get('ledger')).headers.get('x-instance') ?? '';

  const ps = () =>
    platform.json<{ id: string; state: string; routed: boolean }[]>(['ps', '-a', 'ledger']);
  const isRouted = ({ state, routed }: { state: string; routed: boolean }): boolean =>
    state === 'ready' && routed;
  const instanceNames = async (): Promise<Set<string>> => new Set((await ps()).map(({ id }) => id));
});

/**
 * A POST that the killed process had taken and not answered fails: nobody may send it again, since it
 * may have been carried out. Its client is told so, with 502: one whose connection just ends may send it again by itself.
 * Everything else goes to another instance.
 */
const isAvoidable = (failure: string): boolean =>
  !failure.startsWith('executed, not answered') && !isTold(failure);
const isTold = (failure: string): boolean => /"what":"POST.*"detail":"502/.test(failure);
