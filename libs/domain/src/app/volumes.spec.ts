import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AppEvent, VolumeDefinition } from '@shiplog/events';
import { foldEvents } from '../deciders.js';
import { APP, created, released, scaled } from '../testing/facts.js';
import { given } from '../testing/given.js';
import { VOLUME_COUNT_MAX } from './decide-volumes.js';
import { app } from './index.js';
import { runningOnceOf } from './volumes.js';

const GIB = 1024 ** 3;
const definition: VolumeDefinition = {
  path: '/data',
  processes: ['web'],
  shared: false,
  sizeBytes: GIB,
};
const added = (name: string, more: Partial<VolumeDefinition> = {}): AppEvent => ({
  type: 'VolumeAdded',
  v: 1,
  data: { appId: APP, volumeId: `vol_${name}`, name, ...definition, ...more },
});
const changed = (name: string, more: Partial<VolumeDefinition>): AppEvent => ({
  type: 'VolumeChanged',
  v: 1,
  data: { appId: APP, volumeId: `vol_${name}`, name, ...definition, ...more },
});
const removed = (name: string): AppEvent => ({
  type: 'VolumeRemoved',
  v: 1,
  data: { appId: APP, volumeId: `vol_${name}`, name },
});
const restarted = (generation: number): AppEvent => ({
  type: 'AppRestarted',
  v: 1,
  data: { appId: APP, generation, version: 1 },
});
const stopped: AppEvent = { type: 'AppStopped', v: 1, data: { appId: APP } };
const deployed = [created, released(1), scaled({ web: 1, worker: 0 })] as const;
const add = (name: string, more: Partial<VolumeDefinition> = {}) =>
  ({
    type: 'AddVolume',
    volumeId: `vol_${name}`,
    name,
    ...definition,
    ...more,
    baseVersion: 1,
  }) as const;
const change = (name: string, changes: Partial<VolumeDefinition>, inUseBy: string[] = []) =>
  ({ type: 'ChangeVolume', name, changes, baseVersion: 1, inUseBy }) as const;
const remove = (name: string, inUseBy: string[] = []) =>
  ({ type: 'RemoveVolume', name, confirm: name, inUseBy }) as const;

describe('adding a volume', () => {
  it('replaces instances that have it, and nothing where there are none', () => {
    given(app)(created).when(add('data')).then(added('data'));
    given(app)(...deployed)
      .when(add('data'))
      .then(added('data'), restarted(2));
    given(app)(...deployed)
      .when(add('data', { processes: ['worker'] }))
      .then(added('data', { processes: ['worker'] }));
  });

  it('is the same request once more where the id is the same, and refused where the name is taken', () => {
    given(app)(created, added('data')).when(add('data')).thenNothing();
    given(app)(created, added('data'))
      .when({ ...add('data'), volumeId: 'vol_other', path: '/other' })
      .thenRejected({ code: 'volume-name-taken', name: 'data' });
  });

  it.each([
    ['/data/inner', '/data of volume data'],
    ['/data', '/data of volume data'],
    ['/tmp/mine', '/tmp, a tmpfs'],
  ])('at %s is refused: %s is there', (path, by) => {
    const tmpfs: AppEvent = {
      type: 'SettingsChanged',
      v: 2,
      data: { appId: APP, changes: { tmpfs: [{ path: '/tmp', sizeBytes: GIB }] } },
    };
    given(app)(created, added('data'), tmpfs)
      .when(add('more', { path }))
      .thenRejected({ code: 'volume-path-taken', path, by });
  });

  it('beside another path of the same beginning is fine', () => {
    given(app)(created, added('data'))
      .when(add('more', { path: '/data2' }))
      .then(added('more', { path: '/data2' }));
  });

  it('that is exclusive is refused where two instances would have it', () => {
    given(app)(...deployed, scaled({ web: 3 }))
      .when(add('data'))
      .thenRejected({ code: 'volume-exclusive', name: 'data', processType: 'web', requested: 3 });
    given(app)(...deployed)
      .when(add('data', { processes: ['web', 'worker'] }))
      .thenRejected({
        code: 'volume-exclusive-to-one',
        name: 'data',
        processes: ['web', 'worker'],
      });
    given(app)(...deployed, scaled({ web: 3 }))
      .when(add('data', { shared: true }))
      .then(added('data', { shared: true }), restarted(2));
    given(app)(...deployed, added('data'))
      .when({ type: 'Scale', formation: { web: 2 } })
      .thenRejected({ code: 'volume-exclusive', name: 'data', processType: 'web', requested: 2 });
  });

  it('is for process types that there are, and of a bounded number', () => {
    given(app)(...deployed)
      .when(add('data', { processes: ['constructor'] }))
      .thenRejected({
        code: 'process-type-unknown',
        processType: 'constructor',
        known: ['web', 'worker'],
      });
    const many = Array.from({ length: VOLUME_COUNT_MAX }, (_, n) =>
      added(`v${n}`, { path: `/v${n}` }),
    );
    given(app)(created, ...many)
      .when(add('more'))
      .thenRejected({ code: 'too-many-volumes', limit: VOLUME_COUNT_MAX });
  });

  it('is not hidden by a tmpfs later', () => {
    given(app)(created, added('data'))
      .when({
        type: 'ChangeSettings',
        changes: { tmpfs: [{ path: '/data/cache', sizeBytes: GIB }] },
        baseVersion: null,
      })
      .thenRejected({
        code: 'volume-path-taken',
        path: '/data/cache',
        by: '/data of volume data',
      });
  });
});

describe('changing a volume', () => {
  const has = [...deployed, added('data')] as const;

  it('restarts nothing for a size, and replaces instances for a path', () => {
    given(app)(...has)
      .when(change('data', { sizeBytes: 2 * GIB }, ['web-1']))
      .then(changed('data', { sizeBytes: 2 * GIB }));
    given(app)(...has)
      .when(change('data', { path: '/srv' }, ['web-1']))
      .then(changed('data', { path: '/srv' }), restarted(2));
    given(app)(...has)
      .when(change('data', { sizeBytes: GIB }))
      .thenNothing();
  });

  it('hands it over only while nobody has it', () => {
    given(app)(...has)
      .when(change('data', { processes: ['worker'] }))
      .thenRejected({ code: 'volume-in-use', name: 'data', by: ['web=1'] });
    given(app)(...has, stopped)
      .when(change('data', { shared: true }, ['web-1']))
      .thenRejected({ code: 'volume-in-use', name: 'data', by: ['web-1'] });
    given(app)(...has, stopped)
      .when(change('data', { processes: [] }))
      .then(changed('data', { processes: [] }), restarted(2));
  });

  it('of another name says which there are', () => {
    given(app)(...has)
      .when(change('constructor', { sizeBytes: GIB }))
      .thenRejected({ code: 'volume-not-found', name: 'constructor', known: ['data'] });
  });
});

describe('how a volume is backed up', () => {
  const hook = { command: ['dump'], timeoutSeconds: 60 };
  const backedUp = (excluded: boolean, of: typeof hook | null): AppEvent => ({
    type: 'VolumeBackupChanged',
    v: 1,
    data: { appId: APP, volumeId: 'vol_data', name: 'data', excluded, hook: of },
  });
  const backUp = (changes: { excluded?: boolean; hook?: typeof hook | null }) =>
    ({ type: 'ChangeVolumeBackup', name: 'data', changes }) as const;

  it('changes by what is named, restarts nothing, and is told once', () => {
    const now = [...deployed, added('data')] as const;
    given(app)(...now)
      .when(backUp({ hook }))
      .then(backedUp(false, hook));
    given(app)(...now, backedUp(false, hook))
      .when(backUp({ excluded: true }))
      .then(backedUp(true, hook));
    given(app)(...now, backedUp(true, hook))
      .when(backUp({ hook: null }))
      .then(backedUp(true, null));
    given(app)(...now, backedUp(true, hook))
      .when(backUp({ excluded: true, hook }))
      .then();
    given(app)(...now)
      .when(backUp({ excluded: false }))
      .then();
  });

  it('is of a volume that is there, and stays when that changes', () => {
    given(app)(...deployed)
      .when(backUp({ excluded: true }))
      .thenRejected({ code: 'volume-not-found', name: 'data', known: [] });
    const state = foldEvents('app', app.initialState, [
      ...[...deployed, added('data'), backedUp(true, hook)],
      changed('data', { sizeBytes: 2 * GIB }),
    ]);
    expect(state).toMatchObject({ volumes: { data: { backup: { excluded: true, hook } } } });
    given(app)(...deployed, added('data'), backedUp(true, hook))
      .when(change('data', { sizeBytes: 2 * GIB }))
      .then(changed('data', { sizeBytes: 2 * GIB }));
  });
});

describe('removing a volume', () => {
  const has = [...deployed, added('data')] as const;

  it('needs its name once more, and nobody that has it', () => {
    given(app)(...has, stopped)
      .when({ ...remove('data'), confirm: 'dat' })
      .thenRejected({ code: 'confirmation-mismatch', expected: 'data', what: 'volume' });
    given(app)(...has)
      .when(remove('data'))
      .thenRejected({ code: 'volume-in-use', name: 'data', by: ['web=1'] });
    given(app)(...has, stopped)
      .when(remove('data', ['web-1']))
      .thenRejected({ code: 'volume-in-use', name: 'data', by: ['web-1'] });
    given(app)(...has, stopped)
      .when(remove('data'))
      .then(removed('data'));
  });

  it('happens with its app only where that is asked for', () => {
    const destroyed: AppEvent = { type: 'AppDestroyed', v: 1, data: { appId: APP } };
    const destroy = { type: 'DestroyApp', confirm: 'hello' } as const;
    given(app)(...has)
      .when(destroy)
      .then(destroyed);
    given(app)(...has)
      .when({ ...destroy, removesVolumes: true })
      .then(removed('data'), destroyed);
  });
});

it('a volume that was not lost is not made anew', () => {
  const recreate = { type: 'RecreateVolume', name: 'data', confirm: 'data' } as const;
  given(app)(created, added('data'))
    .when({ ...recreate, isMissing: false })
    .thenRejected({ code: 'volume-not-missing', name: 'data' });
  given(app)(created, added('data'))
    .when({ ...recreate, isMissing: true })
    .then({
      type: 'VolumeRecreated',
      v: 1,
      data: { appId: APP, volumeId: 'vol_data', name: 'data', incarnation: 2 },
    });
});

it('whatever is asked for: an exclusive volume is wanted by one instance at most', () => {
  const name = fc.constantFrom('a', 'b');
  const some = {
    path: fc.constantFrom('/a', '/b', '/a/c'),
    processes: fc.uniqueArray(fc.constantFrom('web', 'worker')),
    shared: fc.boolean(),
  };
  const command = fc.oneof(
    fc.tuple(name, fc.record(some)).map(([n, more]) => add(n, more)),
    fc
      .tuple(name, fc.record(some, { requiredKeys: [] }))
      .map(([n, changes]) => change(n, changes as Partial<VolumeDefinition>)),
    name.map((n) => remove(n)),
    fc
      .record({ web: fc.nat(3), worker: fc.nat(3) })
      .map((formation) => ({ type: 'Scale', formation }) as const),
    fc.constantFrom({ type: 'StopApp' } as const, { type: 'StartApp' } as const),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 12 }), (commands) => {
      let state = foldEvents('app', app.initialState, deployed);
      for (const each of commands) {
        const decision = app.decide(each, state);
        if (decision.outcome === 'accepted') state = foldEvents('app', state, decision.events);
        if (state.status !== 'active') throw new Error('it is there');
        for (const process of runningOnceOf(state)) {
          expect(state.formation[process] ?? 0).toBeLessThanOrEqual(1);
        }
        const paths = Object.values(state.volumes).map(({ path }) => `${path}/`);
        for (const path of paths) {
          expect(paths.filter((other) => other.startsWith(path))).toHaveLength(1);
        }
      }
    }),
  );
});
