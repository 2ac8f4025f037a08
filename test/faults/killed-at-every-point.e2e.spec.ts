import { randomUUID } from 'node:crypto';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine } from '@shiplog/engine';
import { askApi } from '../support/api.js';
import { makeNoShellImage } from '../support/apps/no-shell/image.js';
import { killContainerProcess } from '../support/containers.js';
import { Observer } from '../support/observer.js';
import { dumpAt, dumpNow } from '../support/read-models.js';
import { SeparatePlatform, type ServerProcess } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

/** What makes a process come to a point. */
type Trigger = 'config' | 'image' | 'source' | 'crash' | 'garbage';

/**
 * Every place where a process is killed, in the order in which a deploy passes them. Of two between which nothing is done, such as
 * after one step and before the next one, one.
 */
const POINTS: readonly (readonly [ServerProcess, string, Trigger])[] = [
  ['api', 'before-append', 'config'],
  ['api', 'after-append', 'config'],
  ['api', 'before-append', 'image'],
  ['api', 'after-append', 'image'],
  ['api', 'before-project', 'config'],
  ['api', 'checkpoint-written', 'config'],
  ['api', 'rows-written', 'config'],
  ['api', 'after-project', 'config'],
  ['builder', 'before-start', 'image'],
  ['builder', 'after-start', 'image'],
  ['builder', 'before-recorded', 'image'],
  ['builder', 'after-recorded', 'image'],
  ['builder', 'after-image', 'source'],
  ['builder', 'before-recorded', 'source'],
  ['api', 'before-create-release', 'image'],
  ['api', 'after-create-release', 'image'],
  ['deployer', 'before-start-rollout', 'config'],
  ['deployer', 'after-start-rollout', 'config'],
  ['deployer', 'after-schedule', 'config'],
  ['deployer', 'after-create', 'config'],
  ['deployer', 'after-start', 'config'],
  ['deployer', 'after-record-started', 'config'],
  ['deployer', 'before-record-ready', 'config'],
  ['deployer', 'after-record-ready', 'config'],
  ['router-sync', 'before-change', 'config'],
  ['router-sync', 'after-change', 'config'],
  ['router-sync', 'after-write-state', 'config'],
  ['router-sync', 'before-record', 'config'],
  ['router-sync', 'after-record', 'config'],
  ['deployer', 'before-keep-running', 'config'],
  ['deployer', 'after-keep-running', 'config'],
  ['deployer', 'after-retire', 'config'],
  ['deployer', 'before-stop', 'config'],
  ['deployer', 'after-stop', 'config'],
  ['deployer', 'after-record-stopped', 'config'],
  ['deployer', 'after-end-rollout', 'config'],
  ['deployer', 'before-record-exited', 'crash'],
  ['deployer', 'after-record-exited', 'crash'],
  ['gc', 'before-remove', 'garbage'],
  ['gc', 'after-remove', 'garbage'],
  ['gc', 'after-record', 'garbage'],
];

const NAME = ['shiplog-test/killed', 'one'] as const;
const IMAGE = NAME.join(':');

describe('a process killed at any point of a deploy', () => {
  let processes: SeparatePlatform;
  let observer: Observer;
  let appId: string;
  let source: string;

  beforeAll(async () => {
    await makeNoShellImage(connectEngine(), ...NAME);
    processes = await SeparatePlatform.start('killed');
    const { platform } = processes;
    observer = await Observer.open(platform);
    appId = String((await askApi(platform, 'POST', '/v1/apps', { body: { name: 'app' } }))['id']);
    source = await storeSource();
    const policy = { exitedKept: 0, minimumAgeSeconds: 0 };
    await askApi(platform, 'PUT', '/v1/gc/policy', { body: policy });
    await request('image', randomUUID());
    await settled();
  });
  afterAll(async () => {
    await observer.close();
    await processes.destroy();
  });

  for (const [name, point, trigger] of POINTS) {
    const fault = `${name}/${point}`;
    it(`completes, and starts nothing twice: ${fault} (${trigger})`, async () => {
      const key = randomUUID();
      await processes.end(name);
      if (trigger === 'garbage') await makeGarbage();
      const before = await observer.startsOf(appId);
      processes.run(name, fault);
      if (name === 'api') await processes.readyOrDead(name);
      // When it is the api that dies, nobody answers, and the same request is made again.
      const asked = request(trigger, key).catch(() => undefined);
      await processes.died(name, fault);

      processes.run(name);
      await processes.ready();
      await asked;
      if (name === 'api') await request(trigger, key);
      await settled();
      if (trigger === 'garbage') await garbageGone();
      // Exactly one more: that of the new release, or that of the instance that came back.
      else expect(await observer.startsOf(appId)).toBe(before + 1);

      if (name === 'api') await tablesHoldTheLog();
      expect(await observer.doubled(appId)).toEqual([]);
      const serves = async () => (await processes.platform.get('app')).status === 200;
      // Its only instance crashed: that it is out and in again may come to the router's knowledge in one or two steps.
      if (trigger === 'crash') await waitFor('the app to serve', serves);
      else expect(await serves()).toBe(true);
    });
  }

  const settled = async (): Promise<void> => {
    let missing: string[] = [];
    const isSettled = async (): Promise<boolean> => {
      missing = await observer.unsettled(appId, 1);
      return missing.length === 0;
    };
    const said = (): string => [...processes.output].map((of) => of.join(': ')).join('\n');
    const describe = (): string => `${missing.join('\n')}\n${said()}`;
    await waitFor('the deploy to complete', isSettled, { timeoutMs: 30_000, describe });
  };

  /** What is served has every commit once: it is what a fold of the log gives. */
  const tablesHoldTheLog = (): Promise<void> =>
    waitFor('the served tables to be those of the log', async () => {
      const { platform } = processes;
      const served = await dumpNow(platform);
      return served === (await dumpAt(platform, await observer.lastSequence()));
    });

  /** The same key makes the same request: what was done already is not done again. */
  const request = async (trigger: Trigger, key: string): Promise<void> => {
    const ask = (method: string, path: string, body: object) =>
      askApi(processes.platform, method, path, { body, headers: { 'idempotency-key': key } });
    switch (trigger) {
      case 'config':
        await ask('PATCH', '/v1/apps/app/config', { set: { KEY: key }, unset: [] });
        return;
      case 'image':
        await ask('POST', '/v1/apps/app/builds', { source: { kind: 'image', ref: IMAGE } });
        return;
      case 'source':
        await ask('POST', '/v1/apps/app/builds', { source: { kind: 'archive', digest: source } });
        return;
      case 'crash': {
        const [container] = await running();
        const starts = await observer.startsOf(appId);
        await killContainerProcess(container?.Id ?? '');
        await waitFor('the log to tell', async () => (await observer.startsOf(appId)) > starts);
        return;
      }
      case 'garbage':
        return;
    }
  };

  const running = async () =>
    (await observer.containers(appId)).filter(({ State }) => State === 'running');

  /** A stopped container of an old release; gc does not run meanwhile. */
  const makeGarbage = async (): Promise<void> => {
    await request('config', randomUUID());
    await settled();
  };
  const garbageGone = (): Promise<void> =>
    waitFor('stopped containers to be removed', async () => {
      const all = await observer.containers(appId);
      return all.every(({ State }) => State === 'running');
    });

  const storeSource = async (): Promise<string> => {
    const tar = pack();
    tar.entry({ name: 'Dockerfile' }, `FROM ${IMAGE}\nLABEL made=by-the-builder\n`);
    tar.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of tar) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const headers = { 'content-type': 'application/x-tar' };
    const answer = await askApi(processes.platform, 'POST', '/v1/apps/app/sources', {
      bytes,
      headers,
    });
    return String(answer['digest']);
  };
});
