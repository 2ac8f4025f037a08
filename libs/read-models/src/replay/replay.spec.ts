import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppCommand } from '@shiplog/domain';
import { toPosition, type Position } from '@shiplog/events';
import { recordHistory } from '../testing/history.js';
import { ANN, asProcess, BOB, RecordedPlatform } from '../testing/platform.js';
import { imageOf } from '../testing/values.js';
import { Past } from '../time/past.js';
import type { Change } from './changes.js';
import type { Fact } from './facts.js';
import { collectState } from './collect.js';
import { changesBetween } from './replay.js';
import { summaryOf } from './summary.js';

type Wanted = (fact: Fact) => boolean;
const all: Wanted = () => true;

/** Of a caller who waits for the answer. */
const STAYS = new AbortController().signal;

const lookerAt = ({ log }: RecordedPlatform) => {
  const past = new Past(log);
  const stateAt = async (position: Position) => collectState(await past.at(position), STAYS);
  const between = async (from: Position, to: Position, isWanted: Wanted = all) =>
    changesBetween(log, { before: await stateAt(from), after: await stateAt(to) }, isWanted, STAYS);
  return { stateAt, between };
};

/** `+ config KEY`, `~ formation web 1 → 2`. */
const lineOf = ({ change, kind, name, from, to }: Change): string => {
  const values = from === null && to === null ? '' : ` ${from ?? ''}→${to ?? ''}`;
  return `${{ added: '+', removed: '-', changed: '~' }[change]} ${kind} ${name}${values}`;
};

/** What ann asked for and processes carried out. */
const released = async (platform: RecordedPlatform): Promise<void> => {
  const ids = { buildId: 'b-1', appId: 'app-1' };
  const source = { kind: 'image', ref: 'test/app:1' } as const;
  const asked = { actor: ANN, reason: 'go', correlation: 'cor-1' };
  await platform.do('app', 'app-1', { type: 'RequestBuild', buildId: 'b-1', source }, asked);
  await platform.do('build', 'b-1', { type: 'StartBuild', ...ids, sourceDigest: null });
  const image = imageOf('b-1');
  const processes = { web: { command: null }, worker: { command: ['work'] } };
  const made = { image, processes, stack: 'image', durationMs: 1 } as const;
  await platform.do('build', 'b-1', { type: 'SucceedBuild', ...made });
  const release = { image, buildId: 'b-1', processes, cause: 'image', liveVersion: null } as const;
  const api = { actor: asProcess('api'), correlation: 'cor-1' };
  await platform.do('app', 'app-1', { type: 'CreateRelease', ...release }, api);
};

describe('between two moments', () => {
  const shop = { type: 'CreateApp', appId: 'app-1', name: 'shop', teamId: 'team-1' } as const;
  const config = (set: Record<string, string>, unset: string[] = []) =>
    ({ type: 'ChangeConfig', set, unset, baseVersion: null }) as const;
  const secret = (n: number) => `enc1.aXYtaXYtaXYt.dGFnLXRhZy10YWc.${'c'.repeat(n)}`;

  it('an app, its settings, keys, counts and domains are told, with who, when and why', async () => {
    const platform = await RecordedPlatform.start();
    const does = (command: AppCommand, reason: string | null = null) =>
      platform.do('app', 'app-1', command, { actor: BOB, reason });
    await does(shop);
    await does(config({ OLD: secret(4), SAME: secret(5), COLOUR: secret(6) }));
    await released(platform);
    await does({ type: 'Scale', formation: { web: 1, worker: 1 } });
    const before = await platform.log.head();
    await does(config({ COLOUR: secret(7), NEW: secret(8) }, ['OLD']), 'new colours');
    await does({ type: 'Scale', formation: { web: 3 } });
    await does({
      type: 'ChangeSettings',
      changes: { memoryBytes: 1_073_741_824 },
      baseVersion: null,
    });
    await does({ type: 'AddDomain', host: 'www.example.com' });
    await does({ type: 'StopApp' });
    const after = await platform.log.head();

    const { commits, changes } = await lookerAt(platform).between(before, after);
    expect(commits).toBe(5);
    expect(changes.map(lineOf)).toEqual([
      '~ config COLOUR',
      '+ config NEW',
      '- config OLD',
      '+ release v2',
      '~ formation web 1→3',
      '~ setting memoryBytes 536870912→1073741824',
      '+ domain www.example.com',
      '~ app shop started→stopped',
    ]);
    expect(changes[0]).toMatchObject({ app: 'shop', by: 'bob', for: null, reason: 'new colours' });
    expect(changes[0]?.sequence?.slice(0, 20)).toBe(toPosition(Number(before) + 1));
    expect(Date.parse(changes[0]?.time ?? '')).toBeGreaterThan(0);
    expect(JSON.stringify(changes)).not.toContain('enc1');
    await platform.stop();
  });

  it('who may send requests is told by name, another password as such, and never a hash', async () => {
    const platform = await RecordedPlatform.start();
    const change = (set: Record<string, string>, more: object = {}) =>
      platform.do('app', 'app-1', {
        type: 'ChangeBasicAuth',
        set,
        unset: [],
        opens: false,
        ...more,
      });
    await platform.do('app', 'app-1', shop);
    await change({ ann: secret(4), bob: secret(5), eve: secret(6) });
    const before = await platform.log.head();
    await change({ ann: secret(7), carl: secret(8) }, { unset: ['bob'], passesHeader: true });
    const { changes } = await lookerAt(platform).between(before, await platform.log.head());
    expect(changes.map(lineOf).toSorted()).toEqual([
      '+ setting basic-auth.carl',
      '- setting basic-auth.bob',
      '~ setting basic-auth header strip→pass',
      '~ setting basic-auth.ann',
    ]);
    expect(JSON.stringify(changes)).not.toContain('enc1');
    await platform.stop();
  });

  it('a new app comes with what was said of it, a destroyed one goes as a whole', async () => {
    const platform = await RecordedPlatform.start();
    const start = await platform.log.head();
    await platform.do('app', 'app-1', shop);
    await platform.do('app', 'app-1', config({ KEY: secret(4) }));
    const middle = await platform.log.head();
    await platform.do('app', 'app-1', { type: 'DestroyApp', confirm: 'shop' });
    const end = await platform.log.head();
    const { between } = lookerAt(platform);
    expect((await between(start, middle)).changes.map(lineOf)).toEqual([
      '+ app shop →started',
      '+ config KEY',
    ]);
    expect((await between(middle, end)).changes.map(lineOf)).toEqual(['- app shop started→']);
    expect((await between(start, end)).changes).toEqual([]);
    await platform.stop();
  });

  it('what a process did is told with the person who wanted it', async () => {
    const platform = await RecordedPlatform.start();
    await platform.do('app', 'app-1', shop);
    const before = await platform.log.head();
    await released(platform);
    const made = toPosition(Number(await platform.log.head()));
    const rollout = { rolloutId: 'app-1-g1', appId: 'app-1', generation: 1, version: 1 } as const;
    const start = {
      type: 'StartRollout',
      fromVersion: null,
      deadline: '2030-01-01T00:00:00Z',
    } as const;
    await platform.do('rollout', 'app-1-g1', { ...start, ...rollout });
    await platform.do('rollout', 'app-1-g1', { type: 'CompleteRollout' });
    const { changes } = await lookerAt(platform).between(before, await platform.log.head());
    const release = changes.find(({ kind }) => kind === 'release');
    expect(release).toMatchObject({ name: 'v1', by: 'api', for: 'ann', reason: 'go' });
    // By whoever made it; that it serves is told by who brought it live.
    expect(release?.sequence?.slice(0, 20)).toBe(made);
    const live = changes.find(({ kind }) => kind === 'live');
    expect(live?.sequence?.slice(0, 20)).toBe(await platform.log.head());
    await platform.stop();
  });
});

describe('any two moments of a platform in use', () => {
  let platform: RecordedPlatform;
  let look: ReturnType<typeof lookerAt>;
  let head: number;
  beforeAll(async () => {
    platform = await recordHistory({ apps: 3, turns: 25, seed: 5 });
    look = lookerAt(platform);
    head = Number(await platform.log.head());
  });
  afterAll(() => platform.stop());

  const moments = () =>
    fc
      .tuple(fc.integer({ min: 0, max: head }), fc.integer({ min: 0, max: head }))
      .map(([a, b]) => [toPosition(Math.min(a, b)), toPosition(Math.max(a, b))] as const);

  it('have a cause between them for every change', async () => {
    await fc.assert(
      fc.asyncProperty(moments(), async ([from, to]) => {
        const { changes, commits } = await look.between(from, to);
        expect(commits).toBe(Number(to) - Number(from));
        for (const change of changes) {
          expect(change.sequence, JSON.stringify(change)).not.toBeNull();
          const position = change.sequence?.slice(0, 20) ?? '';
          expect(position > from && position <= to).toBe(true);
          expect(change.by).not.toBeNull();
        }
      }),
      { numRuns: 40 },
    );
  });

  it('tell the same backwards, with + for -', async () => {
    await fc.assert(
      fc.asyncProperty(moments(), async ([from, to]) => {
        const [a, b] = [await look.stateAt(from), await look.stateAt(to)];
        const there = (await changesBetween(platform.log, { before: a, after: b }, all, STAYS))
          .changes;
        const back = (await changesBetween(platform.log, { before: b, after: a }, all, STAYS))
          .changes;
        // What is around a change may be missing on one side only: what stands alone is compared.
        const alone = (changes: readonly Change[], turned: boolean) =>
          changes
            .filter(({ kind }) => ['app', 'instance', 'route', 'token', 'person'].includes(kind))
            .map(({ change, kind, name }) => {
              const turn = { added: 'removed', removed: 'added', changed: 'changed' }[change];
              return `${turned ? turn : change} ${kind} ${name}`;
            })
            .toSorted();
        expect(alone(back, true)).toEqual(alone(there, false));
      }),
      { numRuns: 20 },
    );
  });

  it('are alike where nothing lies between them', async () => {
    const { changes, commits } = await look.between(toPosition(head), toPosition(head));
    expect({ changes, commits }).toEqual({ changes: [], commits: 0 });
  });

  it('show no more than is wanted', async () => {
    const { changes } = await look.between(
      toPosition(0),
      toPosition(head),
      ({ teamId }) => teamId === 'team-1',
    );
    const apps = new Set(changes.map(({ app }) => app));
    expect(apps).toContain('app-0');
    expect(apps).not.toContain('app-1');
    expect(changes.map(({ kind }) => kind)).not.toContain('token');
  });

  it('are read in small steps, and no further than somebody waits', async () => {
    const [before, after] = [
      await look.stateAt(toPosition(0)),
      await look.stateAt(toPosition(head)),
    ];
    const gone = new AbortController();
    let reads = 0;
    const log = Object.create(platform.log, {
      readAfter: {
        value: (at: Position) => {
          if ((reads += 1) === 3) setImmediate(() => gone.abort());
          return platform.log.readAfter(at, 5);
        },
      },
    }) as typeof platform.log;
    const between = changesBetween(log, { before, after }, all, gone.signal);
    await expect(between).rejects.toThrow('aborted');
    expect(reads).toBeLessThan(6);
    await expect(
      collectState(await new Past(platform.log).at(toPosition(head)), gone.signal),
    ).rejects.toThrow('aborted');
  });

  it('are read of the models that are compared, and of no other', async () => {
    const models = await new Past(platform.log).at(toPosition(head));
    const asked: string[] = [];
    await collectState({ scan: (names) => (asked.push(...names), models.scan(names)) }, STAYS);
    expect(asked.toSorted()).toEqual([
      'apps',
      'instances',
      'releases',
      'routers',
      'teams',
      'tokens',
      'users',
    ]);
    const found = new Set<string>();
    for await (const page of models.scan(['apps', 'teams'])) {
      expect(page.position).toBe(toPosition(head));
      for (const { model } of page.rows) found.add(model);
    }
    expect([...found]).toEqual(['apps', 'teams']);
  });

  it('have a summary that counts what the documents hold', async () => {
    const { documents } = await look.stateAt(toPosition(head));
    const summary = summaryOf(documents, () => true);
    expect(summary.map(({ name }) => name)).toEqual(['app-0', 'app-1', 'app-2']);
    const active = documents.apps.filter(({ status }) => status === 'active');
    expect(summary.reduce((sum, { releases }) => sum + releases, 0)).toBe(
      documents.releases.filter(({ appId }) => active.some((app) => app.appId === appId)).length,
    );
    for (const app of active) {
      const [own] = summaryOf(documents, ({ appId }) => appId === app.appId);
      const running = documents.instances.filter(
        ({ appId, state }) => appId === app.appId && state !== 'stopped',
      );
      expect(own?.instances).toBe(running.length);
    }
    expect(summaryOf(documents, () => false)).toEqual([]);
  });
});
