import type { DomainUse } from '@shiplog/events';
import { describe, expect, it } from 'vitest';
import {
  APP,
  configured,
  created,
  given as givenOf,
  imageOf,
  released,
  scaled,
} from '../testing/index.js';
import { app } from './index.js';

const given = givenOf(app);
const processes = { web: { command: null }, worker: { command: ['node', 'worker.js'] } };
const fromBuild = (buildId: string, n: number) =>
  ({
    type: 'CreateRelease',
    image: imageOf(n),
    buildId,
    processes: { web: { command: null } },
    cause: 'build',
    liveVersion: null,
  }) as const;
const archive = {
  kind: 'archive',
  digest: `sha256:${'a'.repeat(64)}`,
  via: 'git',
  commit: null,
  branch: 'main',
} as const;

describe('creating an app', () => {
  it('records it', () => {
    given().when({ type: 'CreateApp', appId: APP, name: 'hello', teamId: 'team-1' }).then(created);
  });
  it('records nothing when the same request comes again', () => {
    given(created)
      .when({ type: 'CreateApp', appId: APP, name: 'hello', teamId: 'team-1' })
      .thenNothing();
  });
  it('is refused for another name under the same id', () => {
    given(created)
      .when({ type: 'CreateApp', appId: APP, name: 'other', teamId: 'team-1' })
      .thenRejected({ code: 'app-already-exists', name: 'other' });
  });
});

describe('an app that does not exist', () => {
  it('refuses everything', () => {
    given()
      .when({ type: 'Scale', formation: { web: 2 } })
      .thenRejected({ code: 'app-not-found' });
  });
});

describe('releasing a build', () => {
  it('starts one web process and none of the others at the first release', () => {
    given(created)
      .when({ ...fromBuild('b1', 1), processes })
      .then(released(1, { processes }), scaled({ web: 1, worker: 0 }));
  });
  it('knows no process type that only every object has', () => {
    const odd = { web: { command: null }, constructor: { command: ['node', 'make.js'] } };
    given(created)
      .when({ ...fromBuild('b1', 1), processes: odd })
      .then(released(1, { processes: odd }), scaled({ web: 1, constructor: 0 }));
  });
  it('makes one release of one build, however often it is asked', () => {
    given(created, released(1), scaled({ web: 1 }))
      .when(fromBuild('b1', 1))
      .thenNothing();
  });
  it('numbers releases and generations on', () => {
    given(created, released(1), scaled({ web: 1 }))
      .when({ ...fromBuild('b2', 2), liveVersion: 1 })
      .then(released(2));
  });
  it('keeps the release that serves however many failed ones follow', () => {
    const failed = Array.from({ length: 30 }, (_, i) => released(i + 2, { liveVersion: 1 }));
    const state = [created, released(1), ...failed].reduce(app.evolve, app.initialState);
    expect(state.status === 'active' && state.releases.map((r) => r.version)).toEqual([
      1,
      ...Array.from({ length: 20 }, (_, i) => i + 12),
    ]);
  });
});

describe('changing config', () => {
  const set = {
    type: 'ChangeConfig',
    set: { A: 'enc1.a.b.c' },
    unset: [],
    baseVersion: null,
  } as const;
  it('makes no release before the first code', () => {
    given(created)
      .when(set)
      .then(configured({ A: 'enc1.a.b.c' }));
  });
  it('makes a release of the live image in the same commit', () => {
    given(created, released(1), scaled({ web: 1 }))
      .when({ ...set, baseVersion: 1 })
      .then(
        configured({ A: 'enc1.a.b.c' }),
        released(2, { image: imageOf(1), buildId: 'b1', cause: 'config' }),
      );
  });
  it('goes on from the live image when the newest release failed', () => {
    given(created, released(1), scaled({ web: 1 }), released(2))
      .when({ ...set, baseVersion: 1 })
      .then(
        configured({ A: 'enc1.a.b.c' }),
        released(3, { image: imageOf(1), buildId: 'b1', cause: 'config', liveVersion: 1 }),
      );
  });
  it('is refused for a key to remove that is not set', () => {
    given(created)
      .when({ ...set, set: {}, unset: ['B'] })
      .thenRejected({ code: 'config-key-not-set', key: 'B' });
  });
  it('removes a key that every object seems to have', () => {
    given(created, configured({ constructor: 'enc1.a.b.c' }))
      .when({ ...set, set: {}, unset: ['constructor'] })
      .then(configured({}, ['constructor']));
  });
  it('is refused above the size that a program can be started with', () => {
    const big = 'x'.repeat(300_000);
    given(created)
      .when({ ...set, set: { A: big } })
      .thenRejected({ code: 'config-too-large', bytes: 300_001, limit: 262_144 });
  });
});

describe('scaling', () => {
  const running = [created, released(1), scaled({ web: 1, worker: 0 })];
  it('records the new counts', () => {
    given(...running)
      .when({ type: 'Scale', formation: { web: 3 } })
      .then(scaled({ web: 3 }));
  });
  it('records nothing when nothing changes', () => {
    given(...running)
      .when({ type: 'Scale', formation: { web: 1 } })
      .thenNothing();
  });
  it('is refused above the limit', () => {
    given(...running)
      .when({ type: 'Scale', formation: { web: 101 } })
      .thenRejected({
        code: 'instance-count-above-limit',
        processType: 'web',
        requested: 101,
        limit: 100,
      });
  });
  it('is refused for a process type the release does not have', () => {
    given(...running)
      .when({ type: 'Scale', formation: { cron: 1 } })
      .thenRejected({
        code: 'process-type-unknown',
        processType: 'cron',
        known: ['web', 'worker'],
      });
  });
  it('is refused before the first release', () => {
    given(created)
      .when({ type: 'Scale', formation: { web: 2 } })
      .thenRejected({ code: 'nothing-deployed' });
  });
});

describe('rolling back', () => {
  const two = [
    created,
    configured({ A: 'enc1.1.1.1' }),
    released(1),
    scaled({ web: 1 }),
    configured({ A: 'enc1.2.2.2', B: 'enc1.3.3.3' }),
    released(2),
  ];
  it('brings image and config of the old release back as a new one', () => {
    given(...two)
      .when({ type: 'RollBack', version: 1, liveVersion: 2 })
      .then(
        configured({ A: 'enc1.1.1.1' }, ['B']),
        released(3, { image: imageOf(1), buildId: 'b1', cause: 'rollback', rollbackOf: 1 }),
      );
  });
  it('is refused to a release that is not kept', () => {
    given(...two)
      .when({ type: 'RollBack', version: 9, liveVersion: 2 })
      .thenRejected({ code: 'release-not-found', version: 9, kept: [1, 2] });
  });
  it('is refused to the release that serves', () => {
    given(...two)
      .when({ type: 'RollBack', version: 2, liveVersion: 2 })
      .thenRejected({ code: 'release-already-live', version: 2 });
  });
});

describe('changing settings', () => {
  const settings = { type: 'ChangeSettings', changes: { port: 3000 }, baseVersion: 1 } as const;
  it('replaces the instances of what runs', () => {
    given(created, released(1), scaled({ web: 1 }))
      .when(settings)
      .then(
        { type: 'SettingsChanged', v: 4, data: { appId: APP, changes: { port: 3000 } } },
        { type: 'AppRestarted', v: 1, data: { appId: APP, generation: 2, version: 1 } },
      );
  });
  it('records nothing when the value is the same', () => {
    given(created, { type: 'SettingsChanged', v: 4, data: { appId: APP, changes: { port: 3000 } } })
      .when(settings)
      .thenNothing();
  });
});

describe('restarting, stopping and starting', () => {
  it('restarts the live release as a new generation', () => {
    given(created, released(1), scaled({ web: 1 }))
      .when({ type: 'Restart', baseVersion: 1 })
      .then({ type: 'AppRestarted', v: 1, data: { appId: APP, generation: 2, version: 1 } });
  });
  it('cannot restart what was never deployed', () => {
    given(created)
      .when({ type: 'Restart', baseVersion: null })
      .thenRejected({ code: 'nothing-deployed' });
  });
  it('stops once', () => {
    const stopped = { type: 'AppStopped', v: 1, data: { appId: APP } } as const;
    given(created).when({ type: 'StopApp' }).then(stopped);
    given(created, stopped).when({ type: 'StopApp' }).thenNothing();
    given(created, stopped)
      .when({ type: 'StartApp' })
      .then({ type: 'AppStarted', v: 1, data: { appId: APP } });
  });
});

describe('builds', () => {
  const requested = {
    type: 'BuildRequested',
    v: 1,
    data: { appId: APP, buildId: 'b1', source: archive },
  } as const;
  it('are requested once per id', () => {
    given(created).when({ type: 'RequestBuild', buildId: 'b1', source: archive }).then(requested);
    given(created, requested)
      .when({ type: 'RequestBuild', buildId: 'b1', source: archive })
      .thenNothing();
  });
  it('are cancelled once, and only if known', () => {
    const cancelled = {
      type: 'BuildCancelRequested',
      v: 1,
      data: { appId: APP, buildId: 'b1' },
    } as const;
    given(created, requested).when({ type: 'CancelBuild', buildId: 'b1' }).then(cancelled);
    given(created, requested, cancelled).when({ type: 'CancelBuild', buildId: 'b1' }).thenNothing();
    given(created)
      .when({ type: 'CancelBuild', buildId: 'b1' })
      .thenRejected({ code: 'build-not-found', buildId: 'b1' });
  });
});

describe('domains', () => {
  const plain = { kind: 'serve', strip: false } as const;
  const toWww = { kind: 'redirect', to: 'www.example.com', status: 308 } as const;
  const addedWith = <U extends DomainUse>(host: string, use: U) =>
    ({ type: 'DomainAdded', v: 2, data: { appId: APP, host, use } }) as const;
  const added = addedWith('www.example.com', plain);
  it('are added once and removed once', () => {
    given(created).when({ type: 'AddDomain', host: 'www.example.com' }).then(added);
    given(created, added).when({ type: 'AddDomain', host: 'www.example.com' }).thenNothing();
    given(created)
      .when({ type: 'RemoveDomain', host: 'www.example.com' })
      .thenRejected({ code: 'domain-not-on-app', host: 'www.example.com' });
  });
  it('are added together with their sister, and change what is done with them', () => {
    given(created)
      .when({
        type: 'AddDomain',
        host: 'www.example.com',
        use: plain,
        sisters: [{ host: 'example.com', use: toWww }],
      })
      .then(added, addedWith('example.com', toWww));
    const old = addedWith('example.com', toWww);
    given(created, old).when({ type: 'AddDomain', host: 'example.com' }).thenNothing();
    given(created, old).when({ type: 'AddDomain', host: 'example.com', use: toWww }).thenNothing();
    const changed = {
      type: 'DomainUseChanged',
      v: 1,
      data: { appId: APP, host: 'example.com', use: plain },
    } as const;
    given(created, old).when({ type: 'AddDomain', host: 'example.com', use: plain }).then(changed);
    given(created, old, changed)
      .when({ type: 'AddDomain', host: 'example.com', use: plain })
      .thenNothing();
    const removed = {
      type: 'DomainRemoved',
      v: 2,
      data: { appId: APP, host: 'example.com' },
    } as const;
    given(created, old, removed)
      .when({ type: 'AddDomain', host: 'example.com', use: plain })
      .then(addedWith('example.com', plain));
  });
});

describe('destroying', () => {
  it('needs the name as confirmation', () => {
    given(created)
      .when({ type: 'DestroyApp', confirm: 'helo' })
      .thenRejected({ code: 'confirmation-mismatch', expected: 'hello' });
  });
  it('ends everything but a repetition', () => {
    const destroyed = { type: 'AppDestroyed', v: 1, data: { appId: APP } } as const;
    given(created).when({ type: 'DestroyApp', confirm: 'hello' }).then(destroyed);
    given(created, destroyed).when({ type: 'DestroyApp', confirm: 'hello' }).thenNothing();
    given(created, destroyed)
      .when({ type: 'StopApp' })
      .thenRejected({ code: 'app-destroyed', name: 'hello' });
  });
});
