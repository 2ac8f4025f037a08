import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  eventTypes,
  schemaByAggregate,
  toPosition,
  toSequence,
  type Aggregate,
  type DomainEventUnion,
  type RecordedCommit,
  type StreamName,
} from '@shiplog/events';
import { deciderOf, foldEvents } from '../deciders.js';
import { OPEN_TO_ALL, type ActiveApp, type AppCommand } from '../app/index.js';
import { samples } from '@shiplog/events/testing';
import { startFakeApi } from '../../../../apps/cli/src/testing/fake-api.js';
import { runCli } from '../../../../apps/cli/src/testing/run-cli.js';
import { APP, configured, created, released, scaled } from '../testing/index.js';
import { proposeUndo, type UndoFacts, type UndoProposal } from './index.js';

type Events = readonly DomainEventUnion[];
const QUIET: UndoFacts = { liveVersion: 1, isRollingOut: false, openBuilds: [], cause: null };
const value = (n: number) => `enc1.aXY.dGFn.${n}`;
const base = [created, released(1), scaled({ web: 1, worker: 0 })] as const;

const recorded = (stream: StreamName, events: Events, at: number): RecordedCommit =>
  ({
    position: toPosition(at),
    revision: toPosition(at),
    hash: `h${at}`,
    commit: {
      stream,
      events,
      time: `2026-11-21T10:00:0${at % 10}.000Z`,
      actor: { name: `by-${at}` },
    },
  }) as unknown as RecordedCommit;

/** Given these commits, when the one is to be undone (default: the last), then … */
const undo = (
  commits: readonly Events[],
  which = commits.length - 1,
  facts: Partial<UndoFacts> = {},
  { stream = `app.${APP}`, force = false }: { stream?: StreamName; force?: boolean } = {},
): UndoProposal => {
  const aggregate = stream.split('.')[0] as Aggregate;
  const fold = (some: readonly Events[]): unknown =>
    foldEvents(aggregate, deciderOf(aggregate).initialState, some.flat());
  return proposeUndo({
    commit: recorded(stream, commits[which] ?? [], which + 1),
    before: fold(commits.slice(0, which)),
    now: fold(commits),
    later: commits.slice(which + 1).map((events, i) => recorded(stream, events, which + 2 + i)),
    facts: { ...QUIET, ...facts },
    force,
  });
};

const commandOf = (proposal: UndoProposal): unknown => {
  if (proposal.outcome !== 'possible') throw new Error(JSON.stringify(proposal));
  return proposal.command.command;
};

describe('undoing a change of config', () => {
  it('brings back encrypted what was there, and takes away what was not', () => {
    const change = configured({ A: value(2), NEW: value(3) }, ['GONE']);
    const proposal = undo([base, [configured({ A: value(1), GONE: value(9) })], [change]]);
    expect(commandOf(proposal)).toEqual({
      type: 'ChangeConfig',
      set: { A: value(1), GONE: value(9) },
      unset: ['NEW'],
      baseVersion: 1,
    });
    expect(proposal).toMatchObject({
      commandLines: ['shiplog config set A=… GONE=… -a hello', 'shiplog config unset NEW -a hello'],
      causes: ['Release v2 is made and rolled out, without a gap.'],
      leaves: [],
    });
    expect(JSON.stringify({ ...proposal, command: null })).not.toContain('enc1');
  });

  it('leaves alone what was changed again, and says where', () => {
    const change = configured({ A: value(2), B: value(2) });
    const proposal = undo([base, [change], [configured({ A: value(3) })]], 1);
    expect(commandOf(proposal)).toMatchObject({ set: {}, unset: ['B'] });
    expect(proposal).toMatchObject({
      leaves: [
        {
          what: 'A',
          sequence: toSequence(toPosition(3), 0),
          by: 'by-3',
          time: '2026-11-21T10:00:03.000Z',
        },
      ],
      overwrites: [],
    });
  });

  it('is refused when all of it was changed again, unless that is to go, too', () => {
    const commits = [base, [configured({ A: value(2) })], [configured({ A: value(3) })]];
    expect(undo(commits, 1)).toMatchObject({ outcome: 'overtaken', leaves: [{ what: 'A' }] });
    const forced = undo(commits, 1, {}, { force: true });
    expect(commandOf(forced)).toMatchObject({ set: {}, unset: ['A'] });
    expect(forced).toMatchObject({ leaves: [], overwrites: [{ what: 'A', by: 'by-3' }] });
  });

  it('has nothing to do where it is as it was, also by somebody else', () => {
    const commits = [base, [configured({ A: value(2) })], [configured({}, ['A'])]];
    for (const force of [false, true]) {
      expect(undo(commits, 1, {}, { force })).toMatchObject({ outcome: 'unneeded' });
    }
  });

  it('is not misled by keys that every object has', () => {
    const change = configured(Object.fromEntries([['constructor', value(1)]]));
    expect(commandOf(undo([base, [change]]))).toMatchObject({ set: {}, unset: ['constructor'] });
  });
});

describe('undoing settings', () => {
  const change = {
    type: 'SettingsChanged',
    v: 3,
    data: { appId: APP, changes: { port: 3000, pids: 9 } },
  } as const;
  it('brings back what each was', () => {
    expect(commandOf(undo([base, [change]]))).toEqual({
      type: 'ChangeSettings',
      changes: { port: null, pids: 512 },
      baseVersion: 1,
    });
  });
  it('leaves alone what was changed again', () => {
    const again = { ...change, data: { appId: APP, changes: { port: 4000 } } };
    expect(undo([base, [change], [again]], 1)).toMatchObject({
      commandLines: ['shiplog settings set pids=512 -a hello'],
      leaves: [{ what: 'port' }],
    });
    expect(commandOf(undo([base, [change], [again]], 1, {}, { force: true }))).toMatchObject({
      changes: { port: null, pids: 512 },
    });
    expect(undo([base, [change], [change]], 2)).toMatchObject({ outcome: 'unneeded' });
  });
});

describe('undoing a resize', () => {
  const resized = (limits: object) =>
    ({ type: 'ProcessResized', v: 1, data: { appId: APP, process: 'web', limits } }) as const;
  const small = resized({ memoryBytes: 64 * 1024 * 1024 });
  const large = resized({ cpus: 4 });
  it('brings back what the process type had of its own', () => {
    const proposal = undo([base, [small], [large]], 2);
    expect(commandOf(proposal)).toEqual({
      type: 'ResizeProcess',
      process: 'web',
      set: { memoryBytes: 64 * 1024 * 1024 },
      unset: ['cpus'],
    });
    expect(proposal).toMatchObject({
      commandLines: ['shiplog resize web=default,memory:64M -a hello'],
      causes: ['Running instances are resized, without a restart.'],
    });
  });
  it('brings back that it had none', () => {
    expect(undo([base, [small]], 1)).toMatchObject({
      commandLines: ['shiplog resize web=default -a hello'],
      restores: ['web has the limits of the app again.'],
    });
  });
  it('leaves alone what was resized again', () => {
    expect(undo([base, [small], [large]], 1)).toMatchObject({ outcome: 'overtaken' });
  });
});

describe('undoing a change of the traffic policy', () => {
  const policed = (policy: object) =>
    ({ type: 'TrafficPolicyChanged', v: 1, data: { appId: APP, policy } }) as const;
  const small = policed({ bodyBytes: 10, deny: ['192.0.2.0/24'] });
  const large = policed({ bodyBytes: 20, sticky: true });
  it('brings the whole policy back that was there before', () => {
    const proposal = undo([base, [small], [large]], 2);
    expect(commandOf(proposal)).toMatchObject({
      type: 'ChangeTrafficPolicy',
      set: { bodyBytes: 10, deny: ['192.0.2.0/24'] },
    });
    expect(proposal).toMatchObject({
      commandLines: [
        'shiplog traffic-policy unset sticky -a hello',
        'shiplog traffic-policy set body=10 deny=192.0.2.0/24 -a hello',
      ],
    });
  });
  it('leaves alone what was changed again', () => {
    expect(undo([base, [small], [large]], 1)).toMatchObject({ outcome: 'overtaken' });
    expect(commandOf(undo([base, [small], [large]], 1, {}, { force: true }))).toMatchObject({
      set: {},
    });
    expect(undo([base, [small], [policed({})]], 1)).toMatchObject({ outcome: 'unneeded' });
  });
});

describe('undoing a change of who may send requests', () => {
  const authed = (set: Record<string, string>, unset: string[] = [], passesHeader = null) =>
    ({ type: 'BasicAuthChanged', v: 1, data: { appId: APP, set, unset, passesHeader } }) as const;
  const both = authed({ ann: value(1), bob: value(2) });
  it('brings the hash back that was there before, and takes away who came', () => {
    const proposal = undo([base, [both], [authed({ ann: value(3), carl: value(4) }, ['bob'])]], 2);
    expect(commandOf(proposal)).toEqual({
      type: 'ChangeBasicAuth',
      set: { ann: value(1), bob: value(2) },
      unset: ['carl'],
      opens: false,
    });
    expect(proposal).toMatchObject({
      commandLines: [
        'shiplog basic-auth set ann -a hello',
        'shiplog basic-auth set bob -a hello',
        'shiplog basic-auth unset carl -a hello',
      ],
    });
  });
  it('says that everyone reaches the app where nobody was asked before', () => {
    expect(undo([base, [both]])).toMatchObject({
      commandLines: ['shiplog basic-auth unset ann bob --open -a hello'],
      causes: ['Everyone reaches the app again, without a password.'],
    });
  });
  it('leaves alone who was changed again', () => {
    const commits = [base, [both], [authed({ ann: value(3) })]];
    expect(undo(commits, 1)).toMatchObject({
      command: { command: { set: {}, unset: ['bob'], opens: false } },
      leaves: [{ what: 'ann' }],
    });
  });
});

describe('undoing a scaling', () => {
  it('brings back the number of instances', () => {
    const proposal = undo([base, [scaled({ web: 4, worker: 2 })]]);
    expect(commandOf(proposal)).toEqual({ type: 'Scale', formation: { web: 1, worker: 0 } });
    expect(proposal).toMatchObject({
      causes: [
        'Surplus instances of web finish their requests and stop.',
        'Surplus instances of worker finish their requests and stop.',
      ],
    });
  });
  it('leaves alone what was scaled again', () => {
    const later = [scaled({ web: 4, worker: 2 }), scaled({ web: 5 })].map((event) => [event]);
    expect(commandOf(undo([base, ...later], 1))).toEqual({
      type: 'Scale',
      formation: { worker: 0 },
    });
    expect(undo([base, [scaled({ web: 4 })], [scaled({ web: 5 })]], 1)).toMatchObject({
      outcome: 'overtaken',
    });
    expect(undo([base, [scaled({ web: 4 })], [scaled({ web: 1 })]], 1)).toMatchObject({
      outcome: 'unneeded',
    });
  });
});

describe('undoing a release', () => {
  it('goes back to the one that served', () => {
    const commits = [base, [released(2)], [released(3, { liveVersion: 1 })]];
    expect(commandOf(undo(commits, 2, { liveVersion: 3 }))).toEqual({
      type: 'RollBack',
      version: 1,
      liveVersion: 3,
    });
  });
  it('goes back from a rollback, with whatever config came with it', () => {
    const back = released(3, { cause: 'rollback', rollbackOf: 1, liveVersion: 2 });
    const commits = [
      [...base, configured({ A: value(1) })],
      [released(2)],
      [configured({}, ['A']), back],
    ];
    expect(undo(commits, 2, { liveVersion: 3 })).toMatchObject({
      commandLines: ['shiplog rollback v2 -a hello'],
      causes: [
        'Release v4 is made and rolled out, without a gap.',
        'Config as in v2, that is another A.',
      ],
    });
  });
  it('cancels the deploy that is under way', () => {
    const proposal = undo([base, [released(2)]], 1, { liveVersion: 1, isRollingOut: true });
    expect(commandOf(proposal)).toEqual({ type: 'CancelRollout', rolloutId: `${APP}-g2` });
  });
  it('does not cancel what came after it', () => {
    const restarted = {
      type: 'AppRestarted',
      v: 1,
      data: { appId: APP, generation: 3, version: 1 },
    } as const;
    const facts = { liveVersion: 1, isRollingOut: true };
    expect(undo([base, [released(2)], [restarted]], 1, facts)).toMatchObject({
      outcome: 'unneeded',
    });
  });
  it('has nothing to do when it never served', () => {
    expect(undo([base, [released(2)]], 1, { liveVersion: 1 })).toMatchObject({
      outcome: 'unneeded',
    });
  });
  it('brings config back that a rollback brought along, also where it never served', () => {
    const back = released(3, { cause: 'rollback', rollbackOf: 1, liveVersion: 2 });
    const commits = [
      base,
      [configured({ A: value(1) }), released(2, { cause: 'config' })],
      [configured({}, ['A']), back],
    ];
    expect(commandOf(undo(commits, 2, { liveVersion: 2 }))).toMatchObject({
      type: 'ChangeConfig',
      set: { A: value(1) },
      baseVersion: 2,
    });
  });
  it('does not take later releases back unasked', () => {
    const commits = [base, [released(2)], [released(3)]];
    expect(undo(commits, 1, { liveVersion: 3 })).toMatchObject({
      outcome: 'overtaken',
      leaves: [{ what: 'v3', by: 'by-3' }],
    });
    const forced = undo(commits, 1, { liveVersion: 3 }, { force: true });
    expect(commandOf(forced)).toEqual({ type: 'RollBack', version: 1, liveVersion: 3 });
    expect(forced).toMatchObject({ overwrites: [{ what: 'v3' }] });
  });
  it('is impossible where nothing served before it: no rollback to one that failed', () => {
    const commits = [base, [released(2, { liveVersion: null })]];
    for (const force of [false, true]) {
      expect(undo(commits, 1, { liveVersion: 2 }, { force })).toMatchObject({
        outcome: 'impossible',
        why: 'Nothing served before v2: there is nothing to go back to.',
        instead: 'shiplog stop -a hello',
      });
    }
  });
  it('is impossible for the first one, and where the one before is not kept', () => {
    expect(undo([[created], [released(1)]], 1)).toMatchObject({ outcome: 'impossible' });
    const keepOne = {
      type: 'SettingsChanged',
      v: 3,
      data: { appId: APP, changes: { releasesKept: 1 } },
    } as const;
    const commits = [
      base,
      [keepOne],
      [released(2, { liveVersion: null })],
      [released(3, { liveVersion: 1 })],
    ];
    expect(undo(commits, 3, { liveVersion: 3 })).toMatchObject({
      outcome: 'impossible',
      why: expect.stringContaining('not kept') as string,
    });
  });
});

describe('undoing what is on or off', () => {
  const of = (type: 'AppStopped' | 'AppStarted') => ({ type, v: 1, data: { appId: APP } }) as const;
  const domain = (type: 'DomainAdded' | 'DomainRemoved') =>
    ({
      type,
      v: 2,
      data: { appId: APP, host: 'www.example.com', use: { kind: 'serve', strip: false } },
    }) as const;
  it('turns it round', () => {
    expect(commandOf(undo([base, [of('AppStopped')]]))).toEqual({ type: 'StartApp' });
    expect(commandOf(undo([base, [of('AppStopped')], [of('AppStarted')]]))).toEqual({
      type: 'StopApp',
    });
    expect(commandOf(undo([base, [domain('DomainAdded')]]))).toMatchObject({
      type: 'RemoveDomain',
    });
    expect(
      commandOf(undo([base, [domain('DomainAdded')], [domain('DomainRemoved')]])),
    ).toMatchObject({
      type: 'AddDomain',
      host: 'www.example.com',
    });
  });
  it('has nothing to do when it was turned round since', () => {
    for (const commits of [
      [base, [of('AppStopped')], [of('AppStarted')]],
      [base, [domain('DomainAdded')], [domain('DomainRemoved')]],
    ])
      expect(undo(commits, 1)).toMatchObject({ outcome: 'unneeded' });
    expect(
      undo([base, [of('AppStopped')], [of('AppStarted')], [of('AppStopped')]], 2),
    ).toMatchObject({
      outcome: 'unneeded',
    });
    const removed = [
      base,
      [domain('DomainAdded')],
      [domain('DomainRemoved')],
      [domain('DomainAdded')],
    ];
    expect(undo(removed, 2)).toMatchObject({ outcome: 'unneeded' });
  });
});

describe('undoing what somebody turned round and back since', () => {
  const stop = [{ type: 'AppStopped', v: 1, data: { appId: APP } }] as const;
  const start = [{ type: 'AppStarted', v: 1, data: { appId: APP } }] as const;
  const domain = (type: 'DomainAdded' | 'DomainRemoved', host = 'www.example.com') =>
    [{ type, v: 2, data: { appId: APP, host, use: { kind: 'serve', strip: false } } }] as const;
  const settings = (pids: number) =>
    [{ type: 'SettingsChanged', v: 4, data: { appId: APP, changes: { pids } } }] as const;
  const scale = (web: number) => [scaled({ web })];
  const policy = (exitedKept: number) =>
    [
      {
        type: 'GarbagePolicyChanged',
        v: 1,
        data: { nodeId: 'n1', exitedKept, minimumAgeSeconds: 60 },
      },
    ] as const;
  type Case = readonly [
    name: string,
    commits: readonly Events[],
    which: number,
    what: string,
    stream: StreamName,
  ];
  const cases: readonly Case[] = [
    ['a stop', [base, stop, start, stop], 1, 'hello', `app.${APP}`],
    ['a start', [base, stop, start, stop, start], 2, 'hello', `app.${APP}`],
    [
      'a domain added',
      [base, domain('DomainAdded'), domain('DomainRemoved'), domain('DomainAdded')],
      1,
      'www.example.com',
      `app.${APP}`,
    ],
    [
      'a domain removed',
      [
        [...base, ...domain('DomainAdded')],
        domain('DomainRemoved'),
        domain('DomainAdded'),
        domain('DomainRemoved'),
      ],
      1,
      'www.example.com',
      `app.${APP}`,
    ],
    ['settings', [base, settings(9), settings(8), settings(9)], 1, 'pids', `app.${APP}`],
    ['a scaling', [base, scale(4), scale(5), scale(4)], 1, 'web', `app.${APP}`],
    ['a policy', [policy(5), policy(6), policy(5)], 0, 'policy', 'garbage.n1'],
  ];
  it.each(cases)(
    'is refused for %s, unless that is to go, too',
    (_, commits, which, what, stream) => {
      const last = { what, by: `by-${commits.length}` };
      expect(undo(commits, which, {}, { stream })).toMatchObject({
        outcome: 'overtaken',
        leaves: [last],
      });
      expect(undo(commits, which, {}, { stream, force: true })).toMatchObject({
        outcome: 'possible',
        leaves: [],
        overwrites: [last],
      });
    },
  );
  it('is not refused for what another host, or nothing of it, was changed since', () => {
    const commits = [base, domain('DomainAdded'), domain('DomainAdded', 'b.example.com'), stop];
    expect(undo(commits, 1)).toMatchObject({ outcome: 'possible', overwrites: [] });
    expect(undo([...commits, scale(3)], 3)).toMatchObject({ outcome: 'possible', overwrites: [] });
  });
});

describe('undoing a build', () => {
  const requested = {
    type: 'BuildRequested',
    v: 1,
    data: { appId: APP, buildId: 'b9', source: { kind: 'image', ref: 'a:1' } },
  } as const;
  it('cancels it while it runs, and points at its release afterwards', () => {
    expect(commandOf(undo([base, [requested]], 1, { openBuilds: ['b9'] }))).toEqual({
      type: 'CancelBuild',
      buildId: 'b9',
    });
    expect(undo([base, [requested], [released(2, { buildId: 'b9' })]], 1)).toMatchObject({
      outcome: 'impossible',
      instead: expect.stringContaining(`shiplog undo ${toSequence(toPosition(3), 0)}`) as string,
    });
  });
});

describe('undoing a lock', () => {
  const lock = (name: string, since: string, until: string | null) =>
    ({ by: { kind: 'user', id: `u-${name}`, name }, why: 'audit', since, until }) as const;
  const locked = (of: ReturnType<typeof lock>): Events => [
    { type: 'AppLocked', v: 1, data: { appId: APP, ...of } },
  ];
  const ten = '2026-11-21T10:00:00.000Z';
  const noon = '2026-11-21T12:00:00.000Z';
  const morning = lock('ada', ten, noon);

  it('brings back the one that it took the place of', () => {
    const longer = { ...morning, since: '2026-11-21T11:00:00.000Z', until: null };
    expect(commandOf(undo([base, locked(morning), locked(longer)]))).toEqual({
      type: 'LockApp',
      ...morning,
    });
  });

  it('unlocks where the one before had ended by itself, also that of somebody else', () => {
    const commits = [base, locked(morning), locked(lock('bob', noon, null))];
    const proposal = undo(commits);
    expect(proposal).toMatchObject({ commandLines: ['shiplog unlock -a hello'] });
    expect(commandOf(proposal)).toEqual({ type: 'UnlockApp', at: noon });
    const state = foldEvents('app', deciderOf('app').initialState, commits.flat());
    expect(deciderOf('app').decide(commandOf(proposal) as AppCommand, state)).toMatchObject({
      outcome: 'accepted',
      events: [{ type: 'AppUnlocked' }],
    });
  });
});

describe('undoing maintenance', () => {
  const first = {
    by: { kind: 'user' as const, id: 'u-ada', name: 'ada' },
    why: 'moves',
    since: '2026-11-21T10:00:00.000Z',
    page: '<h1>soon</h1>',
    allow: ['10.0.0.0/8'],
  };
  const changed = (maintenance: typeof first | null): Events => [
    { type: 'MaintenanceChanged', v: 1, data: { appId: APP, maintenance } },
  ];

  it('ends it, or brings back the one before with all that it had', () => {
    expect(commandOf(undo([base, changed(first)]))).toEqual({ type: 'EndMaintenance' });
    const proposal = undo([base, changed(first), changed(null)]);
    expect(commandOf(proposal)).toEqual({ type: 'BeginMaintenance', ...first });
    expect(proposal).toMatchObject({
      commandLines: ['shiplog maintenance on --allow 10.0.0.0/8 --page FILE -m moves -a hello'],
    });
  });
});

describe('undoing what follows from a change', () => {
  it('points at that change', () => {
    const facts = { cause: toSequence(toPosition(7), 0) };
    for (const [stream, type] of [
      ['rollout.r1', 'RolloutCompleted'],
      ['name.hello', 'NameReserved'],
    ] as const) {
      const event = { type, v: 1, data: samples[type] } as DomainEventUnion;
      expect(undo([[event]], 0, facts, { stream })).toMatchObject({
        outcome: 'impossible',
        instead: expect.stringContaining(`shiplog undo ${facts.cause}`) as string,
      });
    }
  });
});

describe('undoing anything of a destroyed app', () => {
  it('is impossible', () => {
    const destroyed = { type: 'AppDestroyed', v: 1, data: { appId: APP } } as const;
    for (const which of [1, 2])
      expect(undo([base, [scaled({ web: 3 })], [destroyed]], which)).toMatchObject({
        outcome: 'impossible',
        why: expect.stringContaining('shredded') as string,
      });
  });
});

describe('undoing tokens and policies', () => {
  const token = [{ type: 'TokenCreated', v: 1, data: samples.TokenCreated }] as Events;
  const revoked = [
    { type: 'TokenRevoked', v: 1, data: { tokenId: samples.TokenCreated.tokenId } },
  ] as Events;
  it('revokes a token, and never makes one valid again', () => {
    expect(commandOf(undo([token], 0, {}, { stream: 'token.t1' }))).toEqual({
      type: 'RevokeToken',
    });
    expect(undo([token, revoked], 0, {}, { stream: 'token.t1' })).toMatchObject({
      outcome: 'unneeded',
    });
    expect(undo([token, revoked], 1, {}, { stream: 'token.t1' })).toMatchObject({
      outcome: 'impossible',
    });
  });
  const policy = (exitedKept: number) =>
    [
      {
        type: 'GarbagePolicyChanged',
        v: 1,
        data: { nodeId: 'n1', exitedKept, minimumAgeSeconds: 60 },
      },
    ] as Events;
  it('brings the policy back', () => {
    expect(commandOf(undo([policy(5), policy(9)], 1, {}, { stream: 'garbage.n1' }))).toEqual({
      type: 'ChangePolicy',
      nodeId: 'n1',
      exitedKept: 5,
      minimumAgeSeconds: 60,
    });
    expect(commandOf(undo([policy(5)], 0, {}, { stream: 'garbage.n1' }))).toMatchObject({
      exitedKept: 3,
    });
    const later = [policy(5), policy(9)];
    const stream = 'garbage.n1';
    expect(undo(later, 0, {}, { stream })).toMatchObject({ outcome: 'overtaken' });
    expect(undo(later, 0, {}, { stream, force: true })).toMatchObject({
      outcome: 'possible',
      overwrites: [{ what: 'policy', by: 'by-2' }],
    });
    expect(undo([policy(5), policy(3)], 0, {}, { stream })).toMatchObject({ outcome: 'overtaken' });
  });
  it('brings the schedule of backups back', () => {
    const schedule = (target: string | null, keep: string | null) =>
      [
        {
          type: 'BackupPolicyChanged',
          v: 1,
          data: { nodeId: 'n1', schedule: 'every 6h', target, keep },
        },
      ] as Events;
    const proposal = undo(
      [schedule('/mnt/a b', '3,7d'), schedule('/mnt/b', null)],
      1,
      {},
      {
        stream: 'backup.n1',
      },
    );
    expect(commandOf(proposal)).toEqual({
      type: 'ChangeBackupPolicy',
      ...{ nodeId: 'n1', schedule: 'every 6h', target: '/mnt/a b', keep: '3,7d' },
    });
    expect(proposal).toMatchObject({
      commandLines: ["shiplog backup schedule 'every 6h' --to '/mnt/a b' --keep 3,7d"],
    });
  });
});

/** What `undo` does with each type of the log. A type that is not here fails the test below. */
const POSSIBLE = [
  'PortAdded',
  'PortRemoved',
  'AppLocked',
  'AppUnlocked',
  'BackupPolicyChanged',
  'BasicAuthChanged',
  'BuildRequested',
  'ConfigChanged',
  'CronJobRemoved',
  'CronJobSet',
  'DomainAdded',
  'DomainUseChanged',
  'DomainRemoved',
  'FormationScaled',
  'AppStarted',
  'AppStopped',
  'FreezeAdded',
  'FreezeRemoved',
  'GarbagePolicyChanged',
  'HealthCheckChanged',
  'MaintenanceChanged',
  'ReleaseCreated',
  'SettingsChanged',
  'ProcessResized',
  'TokenCreated',
  'TrafficPolicyChanged',
  'VolumeBackupChanged',
  'VolumeChanged',
];
const REFUSED = [
  'PortReleased',
  'PortReserved',
  'CertificateInstalled',
  'CertificateRemoved',
  'CertificateOrdered',
  'CertificateFailed',
  'CertificatesApplied',
  'HttpsPolicyChanged',
  'AppCreated',
  'AppDestroyed',
  'AppRestarted',
  'BackupFailed',
  'BackupHookRan',
  'BackupRestored',
  'BackupStarted',
  'BackupSucceeded',
  'BackupVerificationFailed',
  'BackupVerified',
  'BackupsPruned',
  'BuildCancelRequested',
  'BuildCancelled',
  'BuildFailed',
  'BuildStarted',
  'BuildSucceeded',
  'CommandsRefused',
  'DomainReleased',
  'DomainProofDemanded',
  'DomainLookedUp',
  'DomainReserved',
  'FreezeOverridden',
  'LockOverridden',
  'GarbageCollected',
  'ImageLost',
  'ImageRebuilt',
  'InstanceCheckPassed',
  'InstanceExited',
  'InstanceReady',
  'InstanceResizeRefused',
  'InstanceResized',
  'InstanceRetired',
  'InstanceScheduled',
  'InstanceSignalled',
  'InstanceStarted',
  'InstanceStopped',
  'InstanceUnready',
  'MasterKeyRotated',
  'MasterKeyRotationRequested',
  'NameReleased',
  'NameReserved',
  'NodeObserved',
  'OperationsDone',
  'PersonErased',
  'ReleasePromoted',
  'RolloutCancelRequested',
  'RolloutPromoteRequested',
  'RolloutCancelled',
  'RolloutCompleted',
  'RolloutFailed',
  'RolloutStarted',
  'RolloutStepped',
  'RolloutStrategySet',
  'RouteWeightsApplied',
  'RouterRemoved',
  'RouterStarted',
  'RoutesApplied',
  'RunEnded',
  'RunScheduled',
  'RunStarted',
  'RunStopping',
  'SecretsRead',
  'TeamCreated',
  'TeamMemberAdded',
  'TokenRevoked',
  'UserCreated',
  'KeptVolumeRemoved',
  'VolumeAboveSize',
  'VolumeAdded',
  'VolumeCreated',
  'VolumeDeleted',
  'VolumeFound',
  'VolumeMissing',
  'VolumeRecreated',
  'VolumeRemoved',
  'VolumeWithinSize',
];

/** What makes the thing that an event changes or takes away. */
const MADE_BY: Readonly<
  Record<string, 'CronJobSet' | 'DomainAdded' | 'PortAdded' | 'VolumeAdded'>
> = {
  CronJobRemoved: 'CronJobSet',
  DomainRemoved: 'DomainAdded',
  PortRemoved: 'PortAdded',
  VolumeBackupChanged: 'VolumeAdded',
};

describe('every event type of the log', () => {
  const aggregateOfType = (type: string): Aggregate =>
    (Object.keys(schemaByAggregate) as Aggregate[]).find((aggregate) =>
      (
        schemaByAggregate[aggregate].options as unknown as { shape: { type: { value: string } } }[]
      ).some(({ shape }) => shape.type.value === type),
    ) ?? 'app';
  const proposed = ({ type, v }: { readonly type: string; readonly v: number }): UndoProposal => {
    const event = {
      ...{ type, v },
      data: {
        ...samples[type as keyof typeof samples],
        ...(type === 'ReleaseCreated' ? { version: 2, liveVersion: 1 } : {}),
      },
    } as unknown as DomainEventUnion;
    const aggregate = aggregateOfType(type);
    const before: Events[] = aggregate === 'app' && type !== 'AppCreated' ? [base] : [];
    const made = MADE_BY[type];
    if (made !== undefined) {
      before.push([{ ...event, type: made, data: samples[made] } as DomainEventUnion]);
    }
    if (type === 'DomainUseChanged') {
      const data = { ...samples.DomainAdded, host: samples.DomainUseChanged.host };
      before.push([{ ...event, type: 'DomainAdded', data }]);
    }
    if (type === 'AppStarted') before.push([{ ...event, type: 'AppStopped' } as DomainEventUnion]);
    if (type === 'VolumeChanged') {
      const data = { ...samples.VolumeChanged, sizeBytes: 5 * 1024 ** 3 };
      before.push([{ ...event, type: 'VolumeAdded', data }]);
    }
    if (type === 'AppUnlocked') {
      before.push([{ ...event, type: 'AppLocked', data: samples.AppLocked }]);
    }
    if (type === 'FreezeRemoved') {
      before.push([{ ...event, type: 'FreezeAdded', data: samples.FreezeAdded }]);
    }
    const { buildId } = event.data as { readonly buildId?: string };
    const facts = { liveVersion: 2, openBuilds: [buildId ?? ''] };
    return undo([...before, [event]], before.length, facts, { stream: `${aggregate}.x` });
  };

  it('is either taken back or refused, as is said here', () => {
    const types = eventTypes().map(({ type }) => type);
    expect(types.toSorted()).toEqual([...POSSIBLE, ...REFUSED].toSorted());
  });

  it.each(eventTypes())('$type has an answer that a person can act on', (eventType) => {
    const proposal = proposed(eventType);
    const isPossible = POSSIBLE.includes(eventType.type);
    expect(proposal.outcome).toBe(isPossible ? 'possible' : 'impossible');
    if (proposal.outcome === 'possible') expect(proposal.restores.join()).not.toBe('');
    else expect(proposal.why).toMatch(/\.$/);
  });

  it.each(eventTypes().filter(({ type }) => POSSIBLE.includes(type)))(
    '$type is taken back by command lines that the CLI takes',
    async (eventType) => {
      const proposal = proposed(eventType);
      if (proposal.outcome !== 'possible') throw new Error(proposal.why);
      for (const line of proposal.commandLines) {
        const api = await startFakeApi({});
        // As a shell splits it.
        const [program, ...argv] = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(
          ([, quoted, plain]) => quoted ?? plain ?? '',
        );
        const run = await runCli(argv, { url: api.url, isImpatient: true });
        await api.close();
        expect(program).toBe('shiplog');
        expect(run).not.toMatchObject({ code: 2 });
        expect(api.received.length).toBeGreaterThan(0);
      }
    },
  );
});

describe('undo', () => {
  const command = fc.oneof(
    fc.record({
      type: fc.constant('Scale' as const),
      formation: fc.dictionary(fc.constantFrom('web', 'worker'), fc.nat(9)),
    }),
    fc.record({
      type: fc.constant('ChangeConfig' as const),
      set: fc.dictionary(fc.constantFrom('A', 'B', 'C'), fc.nat(5).map(value)),
      unset: fc.subarray(['A', 'B', 'C']),
      baseVersion: fc.constant(null),
    }),
    fc.record({
      type: fc.constant('ChangeSettings' as const),
      changes: fc.record(
        {
          pids: fc.integer({ min: 1, max: 9 }),
          port: fc.constantFrom(80, 81, null),
          ulimits: fc.constantFrom({}, { nofile: { soft: 1, hard: 2 } }),
          tmpfs: fc.subarray([{ path: '/tmp', sizeBytes: 4096 }]),
        },
        { requiredKeys: [] },
      ),
      baseVersion: fc.constant(null),
    }),
    fc.record({
      type: fc.constant('ResizeProcess' as const),
      process: fc.constant('web'),
      set: fc.record(
        { pids: fc.integer({ min: 1, max: 4 }), cpus: fc.constantFrom(1, 2) },
        { requiredKeys: [] },
      ),
      unset: fc.subarray(['pids', 'ioWeight'] as const),
    }),
    fc.record({
      type: fc.constant('ChangeTrafficPolicy' as const),
      set: fc.record(
        { bodyBytes: fc.constantFrom(1, 2), sticky: fc.constant(true as const) },
        { requiredKeys: [] },
      ),
      unset: fc.subarray(['deny', 'tunnelSeconds'] as const),
    }),
    fc.record({
      type: fc.constant('ChangeBasicAuth' as const),
      set: fc.dictionary(fc.constantFrom('ann', 'bob'), fc.nat(5).map(value)),
      unset: fc.subarray(['ann', 'bob']),
      passesHeader: fc.option(fc.boolean(), { nil: undefined }),
      opens: fc.constant(true),
    }),
    fc.constantFrom<AppCommand>({ type: 'StopApp' }, { type: 'StartApp' }),
    fc.constantFrom<AppCommand>(
      { type: 'AddDomain', host: 'a.example.com' },
      { type: 'RemoveDomain', host: 'a.example.com' },
    ),
  );
  const { decide } = deciderOf('app');
  const foldApp = (commits: readonly Events[]): ActiveApp => {
    const state = foldEvents('app', deciderOf('app').initialState, commits.flat());
    if (state.status !== 'active') throw new Error('the app is gone');
    return state;
  };
  const wanted = ({ config, settings, ownLimits, formation, stopped, ...app }: ActiveApp) => ({
    ...{ config, settings, ownLimits, formation, stopped, domains: app.domains },
    traffic: app.traffic ?? {},
    basicAuth: app.basicAuth ?? OPEN_TO_ALL,
  });
  /** Each thing that can be changed by itself, under the name that `touchedBy` has for it. */
  const thingsOf = ({ config, settings, ownLimits, formation, stopped, ...app }: ActiveApp) =>
    new Map<string, unknown>([
      ['traffic', app.traffic ?? {}],
      ['header', app.basicAuth?.passesHeader ?? false],
      ...Object.entries(app.basicAuth?.users ?? {}).map(
        ([key, is]) => [`user ${key}`, is] as const,
      ),
      ...Object.entries(ownLimits).map(([key, is]) => [`limits ${key}`, is] as const),
      ['stopped', stopped],
      ...Object.entries(config).map(([key, is]) => [`config ${key}`, is] as const),
      ...Object.entries(settings).map(([key, is]) => [`setting ${key}`, is] as const),
      ...Object.entries(formation).map(([key, is]) => [`process ${key}`, is] as const),
      ...app.domains.map((host) => [`host ${host}`, true] as const),
    ]);
  const touchedBy = (event: DomainEventUnion): readonly string[] => {
    switch (event.type) {
      case 'AppStopped':
      case 'AppStarted':
        return ['stopped'];
      case 'DomainAdded':
      case 'DomainUseChanged':
      case 'DomainRemoved':
        return [`host ${event.data.host}`];
      case 'ConfigChanged':
        return [...Object.keys(event.data.set), ...event.data.unset].map((key) => `config ${key}`);
      case 'SettingsChanged':
        return Object.keys(event.data.changes).map((key) => `setting ${key}`);
      case 'TrafficPolicyChanged':
        return ['traffic'];
      case 'BasicAuthChanged': {
        const { set, unset, passesHeader } = event.data;
        const users = [...Object.keys(set), ...unset].map((user) => `user ${user}`);
        return passesHeader === null ? users : [...users, 'header'];
      }
      case 'ProcessResized':
        return [`limits ${event.data.process}`];
      case 'FormationScaled':
        return Object.keys(event.data.formation).map((process) => `process ${process}`);
      default:
        return [];
    }
  };
  const liveOf = (commits: readonly Events[]) => ({ liveVersion: foldApp(commits).lastVersion });
  const play = (commands: readonly AppCommand[]): readonly Events[] =>
    commands.reduce<readonly Events[]>(
      (commits, next) => {
        const decision = decide(next, foldApp(commits));
        if (decision.outcome !== 'accepted' || decision.events.length === 0) return commits;
        const more = [...commits, decision.events];
        // The api leaves out what sets a value once more: no two encrypted values are alike.
        const isChange = !isDeepStrictEqual(wanted(foldApp(commits)), wanted(foldApp(more)));
        return isChange ? more : commits;
      },
      [base],
    );
  const undone = (commits: readonly Events[], which: number): readonly Events[] | undefined => {
    const proposal = undo(commits, which, liveOf(commits));
    if (proposal.outcome !== 'possible') return undefined;
    const decision = decide(proposal.command.command as AppCommand, foldApp(commits));
    if (decision.outcome !== 'accepted') throw new Error(JSON.stringify(decision));
    return [...commits, decision.events];
  };

  it('of the last change brings everything back, and undo of that undo brings the change back', () => {
    let seen = 0;
    fc.assert(
      fc.property(fc.array(command, { minLength: 1, maxLength: 12 }), (commands) => {
        const commits = play(commands);
        if (commits.length === 1) return;
        seen += 1;
        const back = undone(commits, commits.length - 1);
        if (back === undefined) throw new Error('the last change can be undone');
        expect(wanted(foldApp(back))).toEqual(wanted(foldApp(commits.slice(0, -1))));
        const forth = undone(back, back.length - 1);
        expect(wanted(foldApp(forth ?? []))).toEqual(wanted(foldApp(commits)));
      }),
    );
    expect(seen).toBeGreaterThan(50);
  });

  it('of an earlier change touches nothing that was changed since', () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 3, maxLength: 12 }), fc.nat(), (commands, n) => {
        const commits = play(commands);
        if (commits.length < 3) return;
        const which = 1 + (n % (commits.length - 1));
        const back = undone(commits, which);
        if (back === undefined) return;
        const later = commits.slice(which + 1).flat();
        const [now, then] = [foldApp(commits), foldApp(back)].map(thingsOf);
        for (const key of new Set(later.flatMap(touchedBy))) {
          expect([key, then?.get(key)]).toEqual([key, now?.get(key)]);
        }
      }),
    );
  });
});
