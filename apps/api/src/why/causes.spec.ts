import { describe, expect, it } from 'vitest';
import { rolloutIdOf } from '@shiplog/domain';
import {
  streamName,
  toPosition,
  type Actor,
  type Aggregate,
  type Commit,
  type DomainEventUnion,
  type RecordedCommit,
} from '@shiplog/events';
import { commitAfter, NO_COMMIT } from '@shiplog/events/testing';
import { causesOf, type Subject } from './causes.js';

const APP = 'a1';
const ann: Actor = { kind: 'user', id: 'u1', name: 'ann' };
const bob: Actor = { kind: 'user', id: 'u2', name: 'bob' };
const worker = (name: string): Actor => ({ kind: 'process', id: name, name });
const image = (ref: string) => ({
  id: `sha256:${'a'.repeat(64)}`,
  ref,
  sizeBytes: 1,
  exposedPorts: [],
  repoDigest: null,
});
const processes = { web: { command: null }, worker: { command: null } };

type DataOf<T extends DomainEventUnion['type']> = Extract<DomainEventUnion, { type: T }>['data'];
const event = <T extends DomainEventUnion['type']>(type: T, data: DataOf<T>): DomainEventUnion =>
  ({ type, v: 1, data }) as unknown as DomainEventUnion;

/** A log that grows by one commit at a time; each gets an id that says where it lies. */
class History {
  readonly records: RecordedCommit[] = [];
  /** What the read models say of routes. */
  readonly known: Record<string, Record<string, string>> = {};

  add(
    [aggregate, id]: readonly [Aggregate, string],
    actor: Actor,
    events: readonly DomainEventUnion[],
    more: Partial<Commit> = {},
  ): string {
    const position = toPosition(this.records.length + 1);
    const commitId = `c${this.records.length + 1}`;
    const commit = commitAfter(streamName(aggregate, id), NO_COMMIT, {
      actor,
      events,
      id: commitId,
      ...more,
    });
    this.records.push({ position, revision: position, hash: 'h', commit });
    return commitId;
  }

  app(actor: Actor, events: readonly DomainEventUnion[], more: Partial<Commit> = {}): string {
    return this.add(['app', APP], actor, events, more);
  }

  /** What api and workers record of a git push. */
  deployed(version: number, actor: Actor, reason: string | null = null): string {
    const buildId = `b${version}`;
    const commit = 'c0ffee'.repeat(7).slice(0, 40);
    const source = {
      ...{ kind: 'archive' as const, digest: `sha256:${'b'.repeat(64)}`, via: 'git' as const },
      ...{ commit, branch: 'main' },
    };
    this.app(actor, [event('BuildRequested', { appId: APP, buildId, source })], { reason });
    const started = event('BuildStarted', { buildId, appId: APP, sourceDigest: null });
    this.add(['build', buildId], worker('builder'), [started]);
    const made = { image: image(`shiplog/shop:v${version}`), processes, stack: 'node' as const };
    const succeeded = event('BuildSucceeded', { buildId, appId: APP, ...made, durationMs: 1500 });
    this.add(['build', buildId], worker('builder'), [succeeded]);
    return this.released(version, actor, { buildId, cause: 'build' });
  }

  released(version: number, actor: Actor, more: Partial<DataOf<'ReleaseCreated'>>): string {
    return this.app(actor, [this.release(version, more)]);
  }

  release(version: number, more: Partial<DataOf<'ReleaseCreated'>>): DomainEventUnion {
    return event('ReleaseCreated', {
      ...{ appId: APP, version, generation: version, image: image(`shiplog/shop:v${version}`) },
      ...{ buildId: null, processes, rollbackOf: null, liveVersion: null, cause: 'config' },
      ...more,
    });
  }

  rolledOut(version: number, generation: number, end = true): void {
    const rolloutId = rolloutIdOf(APP, generation);
    const known = { rolloutId, appId: APP, generation, version };
    const deadline = '2030-01-01T00:00:00Z';
    const started = event('RolloutStarted', { ...known, fromVersion: null, deadline });
    this.add(['rollout', rolloutId], worker('deployer'), [started]);
    if (end)
      this.add(['rollout', rolloutId], worker('deployer'), [event('RolloutCompleted', known)]);
  }

  running(
    instanceId: string,
    { version, generation = version, process = 'web', causation = null }: Running,
  ): void {
    const of = { instanceId, appId: APP };
    const place = { nodeId: 'n1', port: null, containerPort: null, protocol: 'http' as const };
    const scheduled = event('InstanceScheduled', { ...of, process, version, generation, ...place });
    const by = worker('deployer');
    this.add(['instance', instanceId], by, [scheduled], { causation });
    const containerId = Buffer.from(instanceId.padEnd(8, 'x')).toString('hex');
    const started = event('InstanceStarted', { ...of, containerId, restarts: 0 });
    this.add(['instance', instanceId], by, [started]);
    this.add(['instance', instanceId], by, [event('InstanceReady', of)]);
  }

  routes(change: Partial<DataOf<'RoutesApplied'>>): void {
    const position = toPosition(this.records.length);
    const none = { routed: [], unrouted: [], drained: [] };
    const applied = event('RoutesApplied', { routerId: 'r1', position, ...none, ...change });
    this.add(['router', 'r1'], worker('router-sync'), [applied]);
  }
}

interface Running {
  readonly version: number;
  readonly generation?: number;
  readonly process?: string;
  readonly causation?: string | null;
}

const given = (tell: (history: History) => void) => {
  const history = new History();
  tell(history);
  return {
    when: (subject: Subject) => ({
      then: (...lines: string[]) => {
        const { records } = history;
        const steps = causesOf(subject, {
          ...{ appId: APP, ownHost: 'shop.localhost', records },
          routes: new Map(Object.entries(history.known)),
        });
        const shown = steps.map(({ depth, kind, id, text, state, reason, asked }) =>
          [
            '  '.repeat(depth) + (kind === 'command' ? text : `${kind} ${id}`),
            ...(kind === 'command' || kind === 'actor' ? [] : [text]),
            ...(state === null ? [] : [`(${state})`]),
            ...(reason === null ? [] : [`because ${reason}`]),
            ...(asked ? ['<'] : []),
          ].join(' '),
        );
        expect(shown).toEqual(lines);
      },
    }),
  };
};

const web = (id: string): Subject => ({ kind: 'instance', instanceId: id });

describe('why an instance is there', () => {
  it('is told from the person down to the route', () => {
    given((log) => {
      log.deployed(1, ann, 'faster carts');
      log.rolledOut(1, 1);
      log.running('i1', { version: 1 });
      log.running('i2', { version: 1 });
      log.routes({ routed: ['i1', 'i2'] });
    })
      .when(web('i1'))
      .then(
        'actor u1',
        '  deploy git main c0ffeec0ffee because faster carts',
        '    build b1 node, 1.5 s (succeeded)',
        '      release v1 shiplog/shop:v1 (build)',
        '        rollout a1-g1 generation 1 (completed)',
        '          instance i1 web on n1 (ready) <',
        '            container 693178787878 started',
        '              route r1 shop.localhost (routed)',
      );
  });

  it('names the restart, and who asked for it', () => {
    given((log) => {
      log.deployed(1, ann);
      const restarted = event('AppRestarted', { appId: APP, generation: 2, version: 1 });
      log.app(bob, [restarted], { reason: 'leaks' });
      log.rolledOut(1, 2, false);
      log.running('i1', { version: 1, generation: 2 });
    })
      .when(web('i1'))
      .then(
        'actor u1',
        '  deploy git main c0ffeec0ffee',
        '    build b1 node, 1.5 s (succeeded)',
        '      release v1 shiplog/shop:v1 (build)',
        '        restart because leaks',
        '          rollout a1-g2 generation 2 (running)',
        '            instance i1 web on n1 (ready) <',
        '              container 693178787878 started',
      );
  });

  it('names the scaling, where it was of this process', () => {
    const scaled = (process: string) =>
      given((log) => {
        log.released(1, ann, { cause: 'config' });
        log.rolledOut(1, 1);
        const wanted = event('FormationScaled', { appId: APP, formation: { [process]: 3 } });
        const causation = log.app(bob, [wanted], { reason: 'sale' });
        log.running('i1', { version: 1, causation });
      }).when(web('i1'));
    const before = [
      'actor u1',
      '  ReleaseCreated',
      '    release v1 shiplog/shop:v1 (config)',
      '      rollout a1-g1 generation 1 (completed)',
    ];
    scaled('web').then(
      ...before,
      '        scale web=3 because sale',
      '          instance i1 web on n1 (ready) <',
      '            container 693178787878 started',
    );
    scaled('worker').then(
      ...before,
      '        instance i1 web on n1 (ready) <',
      '          container 693178787878 started',
    );
  });

  it('tells that it is retired, and what the router did with it last', () => {
    given((log) => {
      log.released(1, ann, {});
      log.running('i1', { version: 1 });
      log.routes({ routed: ['i1'] });
      const retired = { instanceId: 'i1', appId: APP, reason: 'superseded' as const };
      log.add(['instance', 'i1'], worker('deployer'), [event('InstanceRetired', retired)]);
      log.routes({ unrouted: ['i1'] });
      log.routes({ drained: ['i1'] });
    })
      .when(web('i1'))
      .then(
        'actor u1',
        '  ReleaseCreated',
        '    release v1 shiplog/shop:v1 (config)',
        '      rollout a1-g1 generation 1 (pending)',
        '        instance i1 web on n1 (retired: superseded) <',
        '          container 693178787878 started',
        '            route r1 shop.localhost (drained)',
      );
  });

  it('says that it is routed, where it was not found since when', () => {
    given((log) => {
      log.released(1, ann, {});
      log.running('i1', { version: 1 });
      log.known['i1'] = { r1: 'routed' };
    })
      .when(web('i1'))
      .then(
        'actor u1',
        '  ReleaseCreated',
        '    release v1 shiplog/shop:v1 (config)',
        '      rollout a1-g1 generation 1 (pending)',
        '        instance i1 web on n1 (ready) <',
        '          container 693178787878 started',
        '            route r1 shop.localhost (routed)',
      );
  });

  it('is nothing where nothing is known of it', () => {
    given((log) => log.deployed(1, ann))
      .when(web('i9'))
      .then();
  });
});

describe('why a release is there', () => {
  it('shows all that came of it', () => {
    given((log) => {
      log.deployed(1, ann);
      log.rolledOut(1, 1);
      log.running('i1', { version: 1 });
      log.deployed(2, bob);
      log.rolledOut(2, 2);
      log.running('i2', { version: 2 });
      log.running('i3', { version: 2, process: 'worker' });
      log.routes({ routed: ['i2'] });
    })
      .when({ kind: 'release', version: 2 })
      .then(
        'actor u2',
        '  deploy git main c0ffeec0ffee',
        '    build b2 node, 1.5 s (succeeded)',
        '      release v2 shiplog/shop:v2 (build) <',
        '        rollout a1-g2 generation 2 (completed)',
        '          instance i2 web on n1 (ready)',
        '            container 693278787878 started',
        '              route r1 shop.localhost (routed)',
        '          instance i3 worker on n1 (ready)',
        '            container 693378787878 started',
      );
  });

  it('shows the newest of many restarts', () => {
    const history = new History();
    history.released(1, ann, {});
    for (let generation = 2; generation <= 200; generation += 1) {
      history.app(bob, [event('AppRestarted', { appId: APP, generation, version: 1 })]);
    }
    const of = { appId: APP, ownHost: 'shop.localhost', routes: new Map() };
    const steps = causesOf({ kind: 'release', version: 1 }, { ...of, records: history.records });
    const rollouts = steps.filter(({ kind }) => kind === 'rollout').map(({ id }) => id);
    expect(rollouts).toHaveLength(50);
    expect(rollouts.at(-1)).toBe(rolloutIdOf(APP, 200));
  });

  it('names the rollback, not what its image was built for', () => {
    given((log) => {
      log.deployed(1, ann);
      log.deployed(2, ann);
      const config = event('ConfigChanged', { appId: APP, set: {}, unset: ['NEW'] });
      const back = { buildId: 'b1', cause: 'rollback' as const, rollbackOf: 1 };
      log.app(bob, [config, log.release(3, back)], { reason: 'v2 is slow' });
    })
      .when({ kind: 'release', version: 3 })
      .then(
        'actor u2',
        '  rollback to v1 because v2 is slow',
        '    release v3 shiplog/shop:v3 (rollback) <',
        '      rollout a1-g3 generation 3 (pending)',
      );
  });
});

describe('why a config key is as it is', () => {
  it('names its newest change, and the release made of it', () => {
    given((log) => {
      log.deployed(1, ann);
      const set = (key: string) =>
        event('ConfigChanged', { appId: APP, set: { [key]: 'enc1.a.b.c' }, unset: [] });
      log.app(ann, [set('URL'), log.release(2, {})]);
      log.app(bob, [set('URL'), log.release(3, {})], { reason: 'moved' });
      log.app(ann, [set('OTHER'), log.release(4, {})]);
      log.rolledOut(3, 3);
      log.running('i3', { version: 3 });
    })
      .when({ kind: 'key', key: 'URL' })
      .then(
        'actor u2',
        '  config set URL because moved <',
        '    release v3 shiplog/shop:v3 (config)',
        '      rollout a1-g3 generation 3 (completed)',
        '        instance i3 web on n1 (ready)',
        '          container 693378787878 started',
      );
  });

  it('set before the first deploy is in the first release', () => {
    const set = event('ConfigChanged', { appId: APP, set: { URL: 'enc1.a.b.c' }, unset: [] });
    given((log) => {
      log.app(bob, [set]);
      log.deployed(1, ann);
    })
      .when({ kind: 'key', key: 'URL' })
      .then(
        'actor u2',
        '  config set URL <',
        '    release v1 shiplog/shop:v1 (build)',
        '      rollout a1-g1 generation 1 (pending)',
      );
  });

  it('is nothing where it was never set', () => {
    given((log) => log.deployed(1, ann))
      .when({ kind: 'key', key: 'constructor' })
      .then();
  });
});

describe('why a route leads somewhere', () => {
  it('names who added the host, and what stands behind it', () => {
    given((log) => {
      log.deployed(1, ann);
      log.rolledOut(1, 1);
      log.running('i1', { version: 1 });
      log.running('i2', { version: 1 });
      log.routes({ routed: ['i1', 'i2'] });
      log.routes({ unrouted: ['i2'] });
      const added = event('DomainAdded', {
        appId: APP,
        host: 'www.example.com',
        use: { kind: 'serve', strip: false },
      });
      log.app(bob, [added], { reason: 'launch' });
    })
      .when({ kind: 'route', host: 'www.example.com' })
      .then(
        'actor u2',
        '  domain www.example.com added because launch',
        'actor u1',
        '  deploy git main c0ffeec0ffee',
        '    build b1 node, 1.5 s (succeeded)',
        '      release v1 shiplog/shop:v1 (build)',
        '        rollout a1-g1 generation 1 (completed)',
        '          instance i1 web on n1 (ready)',
        '            container 693178787878 started',
        '              route r1 shop.localhost www.example.com (routed) <',
      );
  });
});
