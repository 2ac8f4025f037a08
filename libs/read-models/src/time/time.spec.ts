import { describe, expect, it } from 'vitest';
import { START, toPosition, toSequence } from '@shiplog/events';
import { InMemoryEventLog } from '@shiplog/events/log';
import { AtUnknownError } from '../errors.js';
import { recordHistory, RecordedPlatform } from '../testing/index.js';
import { textOf } from '../testing/documents-of.js';
import { LogTimes } from './log-times.js';
import { Past } from './past.js';

const platformWithThreeApps = async (): Promise<RecordedPlatform> => {
  const platform = await RecordedPlatform.start(new InMemoryEventLog(), '2026-11-01T10:00:00.000Z');
  for (const appId of ['a1', 'a2', 'a3']) {
    await platform.do('app', appId, { type: 'CreateApp', appId, name: appId, teamId: 't1' });
    platform.pass(3_600_000);
  }
  return platform;
};

describe('the place of a moment in the log', () => {
  it('is before the first commit that is later', async () => {
    const { log } = await platformWithThreeApps();
    const times = new LogTimes(log);
    expect(await times.positionAt('2026-11-01T09:00:00Z')).toBe(START);
    expect(await times.positionAt('2026-11-01T10:30:00Z')).toBe(toPosition(1));
    expect(await times.positionAt('2026-11-01T12:30:00+01:00')).toBe(toPosition(2));
    expect(await times.positionAt('2026-11-01T11:30')).toBe(toPosition(2));
  });

  it('is the end of the log when nothing came later, and unknown while it has not come', async () => {
    const { log } = await platformWithThreeApps();
    const now = Date.parse('2026-11-01T20:00:00Z');
    const times = new LogTimes(log, { nowMs: () => now });
    expect(await times.positionAt('2026-11-01T20:00:30Z')).toBe(toPosition(3));
    await expect(times.positionAt('2026-11-01T20:02')).rejects.toThrow('has not come yet');
  });

  it('is the commit of a sequence, or the position itself', async () => {
    const { log } = await platformWithThreeApps();
    const times = new LogTimes(log);
    expect(await times.positionAt(toSequence(toPosition(2), 0))).toBe(toPosition(2));
    expect(await times.positionAt('2')).toBe(toPosition(2));
    expect(await times.positionAt('0')).toBe(START);
  });

  it.each(['4', 'yesterday', '', '-1', '2026-13-01', '2026-11-01T25:00:00Z', '1; DROP TABLE x'])(
    'is not "%s"',
    async (at) => {
      const { log } = await platformWithThreeApps();
      await expect(new LogTimes(log).positionAt(at)).rejects.toBeInstanceOf(AtUnknownError);
    },
  );

  it('is the same when clocks ran apart, and when it is asked for again', async () => {
    const platform = await recordHistory({ apps: 3, turns: 60 });
    const commits = await platform.log.readAfter(START, 1_000_000);
    expect(commits.length).toBeGreaterThan(1_500);
    const middle = commits[Math.floor(commits.length / 2)]?.commit.time ?? '';
    platform.pass(-3_600_000);
    await platform.do('app', 'late', { type: 'CreateApp', appId: 'late', name: 'l', teamId: 't' });
    const later = commits.findIndex(({ commit }) => commit.time > middle);
    const times = new LogTimes(platform.log, { nowMs: () => Date.parse('2031-01-01') });
    const first = await times.positionAt(middle);
    expect(first).toBe(commits[later - 1]?.position);
    await times.positionAt('2030-01-01');
    expect(await times.positionAt(middle)).toBe(first);
  });
});

describe('the read models as they were', () => {
  it('hold what the log held then', async () => {
    const { log } = await platformWithThreeApps();
    const past = new Past(log);
    const models = await past.at(toPosition(2));
    expect(await models.position()).toBe(toPosition(2));
    expect((await models.apps()).map(({ appId }) => appId)).toEqual(['a2', 'a1']);
    expect(await models.app('a3')).toBeUndefined();
    await past.forget();
  });

  it('are the same folded at once, or on from an earlier past', async () => {
    const platform = await recordHistory({ apps: 3, turns: 10 });
    const head = await platform.log.head();
    const past = new Past(platform.log);
    const half = await past.at(toPosition(BigInt(head) / 2n));
    const before = await textOf(half.dump());
    const all = await textOf((await past.at(head)).dump());
    expect(all).toBe(await textOf((await new Past(platform.log).at(head)).dump()));
    expect(await textOf(half.dump())).toBe(before);
    await past.forget();
  });

  it('are refused for a position that is not in the log yet', async () => {
    const { log } = await platformWithThreeApps();
    await expect(new Past(log).at(toPosition(4))).rejects.toThrow('beyond the end');
  });
});
