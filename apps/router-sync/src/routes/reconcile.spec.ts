import { World } from '@shiplog/domain';
import { CommandHandler, worldFold } from '@shiplog/commands';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import { expect, it } from 'vitest';
import { InMemoryRouter } from './in-memory-router.js';
import { routesReconciler } from './reconcile.js';
import type { RouteFacts } from './route-facts.js';
import { RouterError, type RouteAction } from './router.port.js';

const by = { actor: { kind: 'process', id: 'test', name: 'test' } } as const;

/** Has no place for one app; does what it can. */
class FullRouter extends InMemoryRouter {
  override async apply(actions: readonly RouteAction[]): Promise<void> {
    const isOfB = (action: RouteAction): boolean =>
      action.kind === 'serve' ? action.endpoint.appId === 'b' : false;
    await super.apply(actions.filter((action) => !isOfB(action)));
    if (actions.some(isOfB)) throw new RouterError('router-full', 'no place');
  }
}

it('records what was done although something could not be, and says so', async () => {
  const log = new InMemoryEventLog();
  const world = new World();
  const feed = new LogFeed(log).add(worldFold(world, 'test'));
  await feed.start();
  const commands = new CommandHandler({ log, world, feed });
  for (const [index, appId] of ['a', 'b'].entries()) {
    await commands.handle(
      'app',
      appId,
      { type: 'CreateApp', appId, name: appId, teamId: 't1' },
      by,
    );
    const instanceId = `${appId}-1`;
    await commands.handle(
      'instance',
      instanceId,
      {
        type: 'ScheduleInstance',
        instanceId,
        appId,
        process: 'web',
        version: 1,
        generation: 1,
        nodeId: 'n1',
        port: 21_000 + index,
        containerPort: 8080,
      },
      by,
    );
    const started = { type: 'RecordStarted', containerId: 'c'.repeat(12), restarts: 0 } as const;
    await commands.handle('instance', instanceId, started, by);
    await commands.handle('instance', instanceId, { type: 'RecordReady' }, by);
  }
  const recorded: RouteFacts[] = [];
  const reconcile = routesReconciler({
    world,
    router: new FullRouter(),
    routerId: 'r1',
    domain: 'localhost',
    instanceHost: '127.0.0.1',
    passwords: { open: () => Promise.resolve(new Set<string>()), hashOf: () => undefined },
    catchUp: () => feed.catchUp(),
    takeChanged: () => 'all',
    record: (facts) => Promise.resolve(void recorded.push(facts)),
    onRefused: () => undefined,
    nowMs: () => 0,
  });
  await expect(reconcile()).rejects.toMatchObject({ code: 'router-full' });
  expect(recorded).toEqual([{ routed: ['a-1'], unrouted: [], drained: [], weights: {} }]);
  await feed.stop();
});
