import { createHash } from 'node:crypto';
import { CommandHandler, worldFold } from '@shiplog/commands';
import { World, type AppCommand, type InstanceCommand } from '@shiplog/domain';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ChangedApps } from './changed-apps.js';
import { InMemoryRouter } from './in-memory-router.js';
import { Passwords } from './passwords.js';
import { routesReconciler } from './reconcile.js';
import type { RouteFacts } from './route-facts.js';

const by = { actor: { kind: 'process', id: 'test', name: 'test' } } as const;
const APPS = ['a', 'b', 'c'];
const INSTANCES = APPS.flatMap((app) => [1, 2, 3].map((n) => `${app}-${n}`));

type Step =
  | { readonly of: 'app'; readonly id: string; readonly command: AppCommand }
  | { readonly of: 'instance'; readonly id: string; readonly command: InstanceCommand }
  | { readonly of: 'time'; readonly ms: number }
  /** Comes while the next password is opened, or the proxy is looked at next. */
  | { readonly of: 'meanwhile'; readonly when: When; readonly step: Step };

type When = 'opened' | 'looked';

const instanceStep = (instanceId: string, what: string): Step => {
  const appId = instanceId.slice(0, 1);
  const n = INSTANCES.indexOf(instanceId);
  const scheduled = { appId, process: 'web', version: 1, nodeId: 'n1', containerPort: 8080 };
  const commands: Record<string, InstanceCommand> = {
    schedule: {
      type: 'ScheduleInstance',
      instanceId,
      ...scheduled,
      // Two generations of an app have parts of its requests.
      generation: 1 + (n % 2),
      port: 21_000 + n,
    },
    start: { type: 'RecordStarted', containerId: 'c'.repeat(12), restarts: 0 },
    ready: { type: 'RecordReady' },
    unready: { type: 'RecordUnready', cause: 'readiness', check: '', got: '' },
    exit: { type: 'RecordExited', exitCode: 1, oomKilled: false, logLines: [] },
    retire: { type: 'RetireInstance', reason: 'superseded' },
    stop: { type: 'RecordStopped', exitCode: 0, killed: false },
  };
  return { of: 'instance', id: instanceId, command: commands[what]! };
};

const appStep = (appId: string, what: string): Step => {
  const commands: Record<string, AppCommand> = {
    create: { type: 'CreateApp', appId, name: appId, teamId: 't1' },
    stop: { type: 'StopApp' },
    start: { type: 'StartApp' },
    destroy: { type: 'DestroyApp', confirm: appId },
    limit: { type: 'ChangeTrafficPolicy', set: { bodyBytes: 1_000_000 }, unset: [] },
    add: { type: 'AddDomain', host: `${appId}.localhost.localhost` },
    remove: { type: 'RemoveDomain', host: `${appId}.localhost.localhost` },
  };
  return { of: 'app', id: appId, command: commands[what]! };
};

/** Another password of one of two clients, or none. */
const passwordStep: fc.Arbitrary<Step> = fc
  .tuple(fc.constantFrom(...APPS), fc.constantFrom('ann', 'bob'), fc.nat(50))
  .map(([id, user, n]) => {
    const change =
      n === 0 ? { set: {}, unset: [user] } : { set: { [user]: encrypted(n) }, unset: [] };
    return { of: 'app', id, command: { type: 'ChangeBasicAuth', opens: true, ...change } };
  });

const encrypted = (n: number): string =>
  `enc1.aXYtaXYtaXYt.dGFnLXRhZy10YWc.${Buffer.from(`password ${n}`).toString('base64url')}`;
const hashOf = (text: string): string =>
  `$6$sixteen.letters.$${createHash('sha512').update(text).digest('hex').slice(0, 86)}`;

const stepOfInstance: fc.Arbitrary<Step> = fc
  .tuple(
    fc.constantFrom(...INSTANCES),
    fc.constantFrom('schedule', 'start', 'ready', 'ready', 'unready', 'exit', 'retire', 'stop'),
  )
  .map(([id, what]) => instanceStep(id, what));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: passwordStep },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom<When[]>('opened', 'looked'), fc.oneof(passwordStep, stepOfInstance))
      .map(([when, later]) => ({ of: 'meanwhile', when, step: later }) as const),
  },
  { weight: 8, arbitrary: stepOfInstance },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...APPS),
        fc.constantFrom('create', 'create', 'stop', 'start', 'destroy', 'limit', 'add', 'remove'),
      )
      .map(([id, what]) => appStep(id, what)),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(30, 100, 7_000, 70_000).map((ms) => ({ of: 'time', ms }) as const),
  },
);

/** A log, and two routers that follow it: one looks at what changed, the other one always at everything. */
const twoRouters = async () => {
  const log = new InMemoryEventLog();
  const world = new World();
  const changes = new ChangedApps();
  const feed = new LogFeed(log).add(worldFold(world, 'test'));
  await feed.start();
  feed.onBatch((batch) => changes.note(batch));
  const commands = new CommandHandler({ log, world, feed });
  const clock = { ms: 0 };
  let [looks, opened] = [0, 0];
  const later = new Map<When, Step>();
  class Counting extends InMemoryRouter {
    constructor(private readonly hasCome: (when: When) => Promise<boolean>) {
      super();
    }
    override async observeApps(appIds: ReadonlySet<string>) {
      looks += 1;
      const actual = await super.observeApps(appIds);
      // It has to be a look at everything then.
      return (await this.hasCome('looked')) ? undefined : actual;
    }
  }
  const follower = async (
    routerId: string,
    takeChanged: () => ReadonlySet<string> | 'all',
    hasCome: (when: When) => Promise<boolean>,
  ) => {
    const router = new Counting(hasCome);
    await commands.handle(
      'router',
      routerId,
      { type: 'StartRouter', routerId, kind: 'haproxy' },
      by,
    );
    const recorded: RouteFacts[] = [];
    const round = routesReconciler({
      world,
      router,
      routerId,
      domain: 'localhost',
      instanceHost: '127.0.0.1',
      catchUp: () => feed.catchUp(),
      passwords: new Passwords({
        world,
        decrypt: async (_, text) => {
          await hasCome('opened');
          opened += 1;
          return hashOf(text);
        },
        onMissing: (appId) => expect.unreachable(`a password of ${appId}`),
      }),
      takeChanged,
      record: async (facts, position) => {
        recorded.push(sorted(facts));
        await commands.handle('router', routerId, { type: 'RecordRoutes', position, ...facts }, by);
      },
      onRefused: () => undefined,
      nowMs: () => clock.ms,
    });
    return { round, recorded, state: async () => JSON.stringify(await plainOf(router)) };
  };
  const live = async (next: Step): Promise<void> => {
    if (next.of === 'time') clock.ms += next.ms;
    else if (next.of === 'meanwhile') later.set(next.when, next.step);
    else if (next.of === 'app') await commands.handle('app', next.id, next.command, by);
    else await commands.handle('instance', next.id, next.command, by);
  };
  const some = await follower(
    'some',
    () => changes.take(),
    async (when) => {
      const now = later.get(when);
      later.delete(when);
      if (now !== undefined) await live(now);
      return now !== undefined;
    },
  );
  const all = await follower(
    'all',
    () => 'all',
    () => Promise.resolve(false),
  );
  return { some, all, live, looks: () => looks, opened: () => opened, close: () => feed.stop() };
};

const sorted = (facts: RouteFacts): RouteFacts => ({
  routed: facts.routed.toSorted(),
  unrouted: facts.unrouted.toSorted(),
  drained: facts.drained.toSorted(),
  weights: Object.fromEntries(Object.entries(facts.weights).toSorted()),
});

const plainOf = async (router: InMemoryRouter) =>
  Object.entries(await router.observe()).map(([name, map]) => [
    name,
    [...(map as Map<string, unknown>)].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]);

it('does of the apps that changed what a look at all of them would do, through any history', async () => {
  let [looks, opened, routed] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const platform = await twoRouters();
      const { some, all, live } = platform;
      // So that most of them have something to route.
      const first = APPS.flatMap((id) => [
        appStep(id, 'create'),
        ...['schedule', 'start', 'ready'].map((what) => instanceStep(`${id}-1`, what)),
      ]);
      for (const next of [...first, ...steps]) {
        await live(next);
        await some.round();
        await all.round();
        expect(await some.state()).toBe(await all.state());
      }
      expect(some.recorded).toEqual(all.recorded);
      looks += platform.looks();
      opened += platform.opened();
      routed += some.recorded.flatMap((facts) => facts.routed).length;
      await platform.close();
    }),
    { numRuns: 40 },
  );
  // It did look at some apps alone, and there was something to see.
  expect(looks).toBeGreaterThan(500);
  expect(routed).toBeGreaterThan(100);
  expect(opened).toBeGreaterThan(100);
}, 60_000);

it('has what changed while a password was opened in the same round', async () => {
  const { some, all, live, close } = await twoRouters();
  const steps = ['a', 'b'].flatMap((id) => [
    appStep(id, 'create'),
    ...['schedule', 'start'].map((what) => instanceStep(`${id}-1`, what)),
  ]);
  for (const next of steps) await live(next);
  await some.round();
  const change = { opens: true, set: { ann: encrypted(1) }, unset: [] };
  await live({ of: 'app', id: 'a', command: { type: 'ChangeBasicAuth', ...change } });
  await live({ of: 'meanwhile', when: 'opened', step: instanceStep('b-1', 'ready') });
  await some.round();
  await all.round();
  expect(await some.state()).toContain('b-1');
  expect(await some.state()).toBe(await all.state());
  await close();
});
