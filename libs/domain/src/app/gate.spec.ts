import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AppEvent } from '@shiplog/events';
import { APP, created, given, released, scaled } from '../testing/index.js';
import { activeLock, app, type AppCommand, type Gate } from './index.js';
import { evolve, initialState } from './state.js';

const ada = { kind: 'user', id: 'u-ada', name: 'ada' } as const;
const bob = { kind: 'user', id: 'u-bob', name: 'bob' } as const;
const since = '2026-11-21T10:00:00.000Z';
const noon = '2026-11-21T12:00:00.000Z';
const evening = '2026-11-21T18:00:00.000Z';

const locked = (until: string | null = null): AppEvent => ({
  type: 'AppLocked',
  v: 1,
  data: { appId: APP, by: ada, why: 'audit', since, until },
});
const lock = { by: ada, why: 'audit', since, until: null };
const weekend = { freeze: 'weekend', ofPlatform: false, until: evening, why: 'nobody is there' };
const holidays = { freeze: 'holidays', ofPlatform: true, until: evening, why: null };

const gate = (of: Partial<Gate> = {}): Gate => ({
  at: noon,
  frozen: [],
  overrides: { lock: false, freeze: false },
  isAdministrator: false,
  ...of,
});
const base = [created, scaled({ web: 1 }), released(1), released(2)] as const;
const image = released(1).data.image;
const source = { kind: 'image', ref: 'nginx:1.27' } as const;

const BARRED: readonly AppCommand[] = [
  { type: 'RequestBuild', buildId: 'b9', source },
  { type: 'RollBack', version: 1, liveVersion: 2 },
  { type: 'ChangeConfig', set: { A: 'enc1.aXY.dGFn.MQ' }, unset: [], baseVersion: 2 },
  { type: 'ChangeSettings', changes: { port: 81 }, baseVersion: 2 },
  {
    type: 'AddVolume',
    ...{ volumeId: 'vol_1', name: 'data', path: '/data', processes: ['web'] },
    ...{ shared: false, sizeBytes: 2 ** 30, baseVersion: 2 },
  },
  {
    type: 'PromoteRelease',
    from: { appId: 'other', version: 3, commit: null, branch: null },
    image,
    processes: { web: { command: null } },
    liveVersion: 2,
  },
];
const FREE: readonly AppCommand[] = [
  { type: 'Scale', formation: { web: 3 } },
  { type: 'Restart', baseVersion: 2 },
  { type: 'StopApp' },
  { type: 'CancelRollout', rolloutId: `${APP}-g2` },
  { type: 'ChangeSettings', changes: { pids: 9 }, baseVersion: 2 },
  { type: 'ResizeProcess', process: 'web', set: { pids: 7 }, unset: [] },
  { type: 'AddDomain', host: 'www.example.com' },
];

describe('a locked app', () => {
  it.each(BARRED)('refuses $type, and says who locked it and why', (command) => {
    given(app)(...base, locked())
      .when({ ...command, gate: gate() })
      .thenRejected({ code: 'app-locked', ...lock });
  });

  it.each(FREE)('does $type: an incident needs it', (command) => {
    const open = app.decide({ ...command, gate: gate() }, stateOf(...base));
    const behind = app.decide({ ...command, gate: gate() }, stateOf(...base, locked()));
    expect(behind).toEqual(open);
    expect(behind).toMatchObject({ outcome: 'accepted' });
    expect(behind).not.toMatchObject({ events: [] });
  });

  it('refuses to be destroyed, and a canary to be promoted', () => {
    for (const command of [
      { type: 'DestroyApp', confirm: (created as { data: { name: string } }).data.name },
      { type: 'PromoteRollout', rolloutId: 'r', step: 1 },
    ] as const) {
      given(app)(...base, locked())
        .when({ ...command, gate: gate() })
        .thenRejected({ code: 'app-locked', ...lock });
    }
  });

  it('does what it would refuse when the lock is put aside, and says so in the same commit', () => {
    const command = { ...(BARRED[1] as AppCommand), gate: gate({ overrides: BOTH }) };
    const decision = app.decide(command, stateOf(...base, locked()));
    expect(decision).toMatchObject({
      outcome: 'accepted',
      events: [
        { type: 'ReleaseCreated' },
        { type: 'LockOverridden', data: { appId: APP, by: ada, why: 'audit', since } },
      ],
    });
  });

  it('is locked no more from the end of its lock on, without anybody having done anything', () => {
    const command = BARRED[0] as AppCommand;
    const history = [...base, locked(evening)];
    const before = { ...command, gate: gate({ at: '2026-11-21T17:59:59.999Z' }) };
    const after = { ...command, gate: gate({ at: evening }) };
    given(app)(...history)
      .when(before)
      .thenRejected({ code: 'app-locked', ...lock, until: evening });
    expect(app.decide(after, stateOf(...history))).toMatchObject({ outcome: 'accepted' });
  });

  it('lets a release be made of a build that was asked for before', () => {
    const command: AppCommand = {
      type: 'CreateRelease',
      image,
      buildId: 'b1',
      processes: { web: { command: null } },
      cause: 'build',
      liveVersion: 2,
    };
    expect(app.decide(command, stateOf(...base, locked()))).toMatchObject({ outcome: 'accepted' });
  });

  it('repeats nothing that changes nothing as a refusal', () => {
    const same: AppCommand = { type: 'ChangeSettings', changes: { port: null }, baseVersion: 2 };
    given(app)(...base, locked())
      .when({ ...same, gate: gate() })
      .thenNothing();
  });

  it('without a release takes config, which moves nothing', () => {
    const decision = app.decide(
      { ...(BARRED[2] as AppCommand), gate: gate() },
      stateOf(created, locked()),
    );
    expect(decision).toMatchObject({ outcome: 'accepted', events: [{ type: 'ConfigChanged' }] });
  });
});

const BOTH = { lock: true, freeze: true };
const stateOf = (...events: readonly AppEvent[]) => events.reduce(evolve, initialState);

describe('a lock', () => {
  const command = { type: 'LockApp', ...lock } as const;

  it('is taken once, and said anew by whoever holds it', () => {
    given(app)(created).when(command).then(locked());
    given(app)(created, locked()).when(command).thenNothing();
    given(app)(created, locked())
      .when({ ...command, since: noon, until: evening })
      .then({
        type: 'AppLocked',
        v: 1,
        data: { appId: APP, by: ada, why: 'audit', since: noon, until: evening },
      });
  });

  it('of somebody else is not taken over by mistake, unless it is over', () => {
    given(app)(created, locked())
      .when({ ...command, by: bob, since: noon })
      .thenRejected({ code: 'lock-held', ...lock });
    expect(
      app.decide({ ...command, by: bob, since: evening }, stateOf(created, locked(evening))),
    ).toMatchObject({ outcome: 'accepted', events: [{ type: 'AppLocked' }] });
  });

  it('is taken away once', () => {
    given(app)(created, locked())
      .when({ type: 'UnlockApp', at: noon })
      .then({ type: 'AppUnlocked', v: 1, data: { appId: APP } });
    given(app)(created).when({ type: 'UnlockApp', at: noon }).thenNothing();
    given(app)(created, locked(noon)).when({ type: 'UnlockApp', at: noon }).thenNothing();
  });

  it('holds exactly before its end', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (end, at) => {
        const iso = (n: number) => new Date(n * 1000).toISOString();
        const held = activeLock({ ...lock, until: iso(end) }, iso(at)) !== undefined;
        expect(held).toBe(at < end);
      }),
    );
  });
});

describe('a freeze window that is open', () => {
  it.each(BARRED)('refuses $type', (command) => {
    given(app)(...base)
      .when({ ...command, gate: gate({ frozen: [weekend] }) })
      .thenRejected({ code: 'releases-frozen', needsAdministrator: false, ...weekend });
  });

  it.each(FREE)('does $type', (command) => {
    const decision = app.decide(
      { ...command, gate: gate({ frozen: [weekend] }) },
      stateOf(...base),
    );
    expect(decision).toEqual(app.decide(command, stateOf(...base)));
  });

  it('lets a canary that began before it be promoted', () => {
    const promote: AppCommand = { type: 'PromoteRollout', rolloutId: 'r', step: 1 };
    expect(
      app.decide({ ...promote, gate: gate({ frozen: [weekend] }) }, stateOf(...base)),
    ).toMatchObject({ outcome: 'accepted' });
  });

  it('of the platform is put aside by administrators only', () => {
    const command = BARRED[0] as AppCommand;
    const aside = { frozen: [weekend, holidays], overrides: BOTH };
    given(app)(...base)
      .when({ ...command, gate: gate(aside) })
      .thenRejected({ code: 'releases-frozen', needsAdministrator: true, ...holidays });
    expect(
      app.decide({ ...command, gate: gate({ ...aside, isAdministrator: true }) }, stateOf(...base)),
    ).toMatchObject({
      outcome: 'accepted',
      events: [
        { type: 'BuildRequested' },
        { type: 'FreezeOverridden', data: { freeze: 'weekend' } },
        { type: 'FreezeOverridden', data: { freeze: 'holidays', ofPlatform: true } },
      ],
    });
  });

  it('is not put aside together with a lock', () => {
    given(app)(...base, locked())
      .when({
        ...(BARRED[0] as AppCommand),
        gate: gate({ frozen: [weekend], overrides: { lock: true, freeze: false } }),
      })
      .thenRejected({ code: 'releases-frozen', needsAdministrator: false, ...weekend });
  });
});
