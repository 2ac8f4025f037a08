import { CommandHandler, worldFold } from '@shiplog/commands';
import { World } from '@shiplog/domain';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { LogFeed } from '@shiplog/events/log';
import { newStream } from '@shiplog/events/testing';
import { connectNats, inboxPrefixOf } from '@shiplog/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNatsProxy, type NatsProxy } from './testing/nats-proxy.js';
import { startTestNats, type TestNats } from './testing/index.js';

let nats: TestNats;
beforeAll(async () => {
  nats = await startTestNats();
});
afterAll(() => nats.close());

/** The api as far as commands go, behind a connection that can keep back what it publishes. */
const api = async () => {
  const proxy = await startNatsProxy(nats.config.natsPort);
  const url = `nats://127.0.0.1:${proxy.port}`;
  const connection = await connectNats(nats.config, 'api', { url });
  const log = new JetStreamEventLog(connection, {
    inboxPrefix: inboxPrefixOf('api'),
    process: 'api',
    durability: () => Promise.resolve('disk'),
    attemptTimeoutMs: 200,
    deadlineMs: 500,
  });
  const world = new World();
  const feed = new LogFeed(log).add(worldFold(world, 'test'));
  await feed.start();
  const commands = new CommandHandler({ log, world, feed });
  const appId = newStream().slice('app.'.length);
  const create = { type: 'CreateApp', appId, name: 'hello', teamId: 't1' } as const;
  const actor = { kind: 'user', id: 'u1', name: 'ann' } as const;
  await commands.handle('app', appId, create, { actor });
  await feed.catchUp();
  // Keys are the actor's, not the app's: each test has its own.
  const changePort = (port: number, key: string) =>
    commands.handle(
      'app',
      appId,
      { type: 'ChangeSettings', changes: { port }, baseVersion: null },
      { actor, command: { id: `${appId} ${key}`, digest: `port ${port}` } },
    );
  return {
    proxy,
    log,
    feed,
    world,
    appId,
    changePort,
    abandon: async (port: number, key: string): Promise<void> => {
      await giveUp(proxy, () => changePort(port, key));
    },
    keys: async () =>
      (await log.read(`app.${appId}`)).map(({ commit }) => commit.command?.id.split(' ')[1]),
    close: async () => {
      await feed.stop();
      await connection.close();
      await proxy.close();
    },
  };
};

const giveUp = async (proxy: NatsProxy, act: () => Promise<unknown>): Promise<void> => {
  proxy.setFate(() => 'hold');
  await expect(act()).rejects.toMatchObject({ code: 'log-unavailable', outcome: 'unknown' });
  proxy.setFate(() => 'pass');
  expect(proxy.held()).toBeGreaterThan(0);
};

describe('a command whose outcome is unknown', () => {
  it('is done once when it is sent again with its key, and the late one finds its place taken', async () => {
    const { abandon, changePort, proxy, keys, feed, close } = await api();
    await abandon(3001, 'k1');
    expect(await changePort(3001, 'k1')).toMatchObject({ outcome: 'accepted' });
    proxy.release();
    expect(await changePort(3002, 'k2')).toMatchObject({ outcome: 'accepted' });
    await feed.catchUp();
    expect(await changePort(3001, 'k1')).toMatchObject({ outcome: 'repeated' });
    expect(await keys()).toEqual([undefined, 'k1', 'k2']);
    await close();
  });

  it('is found when it came late to an app that nobody changed since', async () => {
    const { abandon, changePort, proxy, keys, feed, world, appId, close } = await api();
    await abandon(3001, 'k1');
    const before = feed.position;
    proxy.release();
    // It shows as any change does, in the log and in the world, with its own key.
    await expect.poll(() => feed.position > before).toBe(true);
    expect(world.app(appId)?.settings.port).toBe(3001);
    expect(await changePort(3001, 'k1')).toMatchObject({ outcome: 'repeated' });
    expect(await keys()).toEqual([undefined, 'k1']);
    await close();
  });

  it('never undoes what was done after it', async () => {
    const { abandon, changePort, proxy, keys, feed, world, appId, close } = await api();
    await abandon(3001, 'k1');
    expect(await changePort(3002, 'k2')).toMatchObject({ outcome: 'accepted' });
    proxy.release();
    expect(await changePort(3003, 'k3')).toMatchObject({ outcome: 'accepted' });
    await feed.catchUp();
    expect(world.app(appId)?.settings.port).toBe(3003);
    expect(await keys()).toEqual([undefined, 'k2', 'k3']);
    await close();
  });
});
