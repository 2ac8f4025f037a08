import { World } from '@shiplog/domain';
import { LogUnavailableError } from '@shiplog/events/log';
import { NO_COMMIT, commitAfter, newStream } from '@shiplog/events/testing';
import {
  createLogger,
  onOwnAccount,
  openContext,
  type OpenContext,
  type PlatformConfig,
} from '@shiplog/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestNats, type TestNats } from './testing/index.js';

let nats: TestNats;
let config: PlatformConfig;
beforeAll(async () => {
  nats = await startTestNats();
  ({ config } = nats);
});
afterAll(() => nats.close());

const logger = createLogger('error');
const create = (appId: string, name: string) =>
  ({ type: 'CreateApp', appId, name, teamId: 't1' }) as const;

describe('the contexts of a platform', () => {
  it('share one feed and world in one process, each with its own rights', async () => {
    const api = await openContext(config, 'api', undefined, logger);
    await api.context.feed.start();
    const shared = { feed: api.context.feed, world: api.context.world };
    const deployer = await openContext(config, 'deployer', shared, logger);

    await api.context.commands.handle(
      'app',
      'a1',
      create('a1', 'hello'),
      onOwnAccount(api.context),
    );
    await deployer.context.feed.catchUp();
    expect(deployer.context.world.app('a1')?.name).toBe('hello');

    const scheduled = await deployer.context.commands.handle(
      'instance',
      'i1',
      {
        type: 'ScheduleInstance',
        instanceId: 'i1',
        appId: 'a1',
        process: 'web',
        version: 1,
        generation: 1,
        nodeId: 'node-1',
        port: 21_000,
        containerPort: 8080,
      },
      onOwnAccount(deployer.context),
    );
    expect(scheduled.outcome).toBe('accepted');
    await api.context.feed.catchUp();
    expect(api.context.world.instancesOf('a1')).toHaveLength(1);

    await deployer.close();
    await api.context.feed.catchUp();
    await api.close();
  });

  it('tell a process at once that it may not write what belongs to another', async () => {
    const deployer = await openContext(config, 'deployer', undefined, logger);
    const stream = newStream();
    const failure = await deployer.context.log
      .append(stream, NO_COMMIT.revision, commitAfter(stream, NO_COMMIT))
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LogUnavailableError);
    expect(failure).toMatchObject({ outcome: 'not-written' });
    expect(await deployer.context.log.read(stream)).toEqual([]);
    await deployer.close();
  });

  it('know how durable the log was proved to be', async () => {
    const gc = await openContext(config, 'gc', undefined, logger);
    expect(await gc.context.log.durability()).toBe('disk');
    await gc.close();
  });

  it('follow on their own while nats-server is killed and started', async () => {
    const [api, builder] = await Promise.all([
      openContext(config, 'api', undefined, logger),
      openContext(config, 'builder', undefined, logger),
    ]);
    await Promise.all([api.context.feed.start(), builder.context.feed.start()]);
    await nats.restart();
    const { commands } = api.context;
    const result = await commands.handle(
      'app',
      'a2',
      create('a2', 'again'),
      onOwnAccount(api.context),
    );
    expect(result.outcome).toBe('accepted');
    await builder.context.feed.catchUp();
    expect(builder.context.world.app('a2')?.name).toBe('again');
    const served = builder.context.bus.serve('echo', (input) => Promise.resolve(input));
    await expect.poll(() => askEcho(api)).toBe('hello');
    served();
    await Promise.all([api.close(), builder.close()]);
  });

  it('see the same world as a fold from the beginning', async () => {
    const api = await openContext(config, 'api', undefined, logger);
    await api.context.feed.start();
    const world = new World();
    for (const record of await api.context.log.readAfter('0'.repeat(20), 1_000)) {
      world.apply(record);
    }
    expect(api.context.world.snapshot()).toEqual(world.snapshot());
    await api.close();
  });
});

const askEcho = (api: OpenContext): Promise<unknown> =>
  api.context.bus.request('builder', 'echo', 'hello').catch(() => undefined);
