import { describe, expect, it } from 'vitest';
import { NO_BACKUPS, backupVerdict } from './backup.js';
import { clockVerdict } from './clock.js';
import { diskVerdict } from './disk.js';
import { durabilityVerdict } from './durability.js';
import { esdbAccessVerdict } from './esdb.js';
import { LAG_COMMITS_MAX, readModelsVerdict, withLag } from './lag.js';
import { privateFilesVerdict } from './private-files.js';
import { gapsVerdict, settingsVerdict } from './stream.js';
import { ok, spanOf } from './verdict.js';

const at = (agoMs: number): string => new Date(NOW - agoMs).toISOString();
const NOW = Date.parse('2026-11-26T00:00:00.000Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('durability', () => {
  const proof = { serverName: 'n1', serverVersion: '2.14.1', provedAt: at(90_000) };
  it('says when it was proved, and of which server', () => {
    expect(durabilityVerdict('disk', proof, NOW)).toEqual(
      ok(
        'disk: acknowledged changes survive power loss; proved of nats-server 2.14.1 (n1), 1 min ago',
      ),
    );
  });
  it.each([
    ['process', undefined, /survive a crash, but the last ones not a power loss/],
    ['process', proof, /the proof is of another server, nats-server 2.14.1 \(n1\)/],
    ['memory', undefined, /not proved/],
  ])('warns of %s', (durability, known, summary) => {
    const verdict = durabilityVerdict(durability, known, NOW);
    expect(verdict).toMatchObject({ state: 'warning', remedy: expect.any(String) as string });
    expect(verdict.summary).toMatch(summary);
  });
});

describe('the log stream', () => {
  const seen = { checkedAt: at(30_000), settings: null, gaps: null };
  it('is well, and looked at when it was', () => {
    expect(settingsVerdict(seen, NOW)).toMatchObject({ state: 'ok' });
    expect(gapsVerdict(seen, NOW)).toEqual(ok('no commit is missing; looked 30 s ago'));
  });
  it('fails where a setting was changed, or commits are missing: each by itself', () => {
    const changed = { ...seen, settings: 'max_bytes is 5, must be -1' };
    expect(settingsVerdict(changed, NOW)).toMatchObject({
      state: 'failed',
      summary: 'max_bytes is 5, must be -1',
    });
    expect(gapsVerdict(changed, NOW).state).toBe('ok');
    const torn = { ...seen, gaps: 'it holds 8 of 9' };
    expect(gapsVerdict(torn, NOW)).toMatchObject({ state: 'failed', summary: 'it holds 8 of 9' });
    expect(settingsVerdict(torn, NOW).state).toBe('ok');
  });
  it('nobody looked at is no good news', () => {
    expect(settingsVerdict(undefined, NOW).state).toBe('warning');
    expect(gapsVerdict(undefined, NOW).state).toBe('warning');
  });
});

describe('private files', () => {
  const file = (mode: number, path = '/h/keys/a.key') => ({ path, isFolder: false, mode });
  const folder = (mode: number) => ({ path: '/h/keys', isFolder: true, mode });
  it.each([
    ['ok', [file(0o600), file(0o400), folder(0o700), folder(0o755)]],
    ['warning', [file(0o640)]],
    ['warning', [folder(0o770)]],
    ['failed', [file(0o604)]],
    ['failed', [folder(0o777)]],
    ['failed', [file(0o640), file(0o602)]],
  ])('are %s', (state, files) => {
    expect(privateFilesVerdict(files).state).toBe(state);
  });
  it('are named with mode and command, three of many', () => {
    const many = [1, 2, 3, 4, 5].map((n) => file(0o644, `/h/${n}.key`));
    expect(privateFilesVerdict(many)).toMatchObject({
      summary:
        'everybody on the machine gets at /h/1.key (0644), /h/2.key (0644), /h/3.key (0644) and 2 more',
      remedy: expect.stringContaining('chmod 600 /h/1.key /h/2.key /h/3.key;') as string,
    });
    expect(privateFilesVerdict([folder(0o777)]).remedy).toMatch(/^chmod 700 \/h\/keys;/);
  });
});

describe('room on a disk', () => {
  const GB = 1024 ** 3;
  it.each([
    ['ok', 20 * GB, 100 * GB],
    ['warning', 1 * GB, 10 * GB],
    ['warning', 4 * GB, 100 * GB],
    ['failed', 1_000_000, 100 * GB],
    ['failed', 0, 0],
  ])('is %s', (state, freeBytes, totalBytes) => {
    const verdict = diskVerdict({ path: '/h', freeBytes, totalBytes }, 'unseen', 'make room');
    expect(verdict.state).toBe(state);
    expect(verdict.remedy).toBe(state === 'ok' ? null : 'make room');
  });
  it('says how much, and that it cannot be seen', () => {
    const room = { path: '/h', freeBytes: 20 * GB, totalBytes: 100 * GB };
    expect(diskVerdict(room, '', '').summary).toBe('20.0 GB of 100.0 GB free (20 %) in /h');
    expect(diskVerdict(undefined, 'unseen', '')).toEqual(ok('unseen'));
  });
});

describe('the user of EventStoreDB', () => {
  const least = {
    user: 'api',
    mayReadAll: true,
    mayDelete: false,
    maySetMetadata: false,
    isProbeBounded: true,
  };
  it('is well where it may read and append', () => {
    expect(esdbAccessVerdict(least).state).toBe('ok');
  });
  it('is warned of where it could make history disappear, or is nobody', () => {
    const all = { ...least, user: undefined, mayDelete: true, maySetMetadata: true };
    expect(esdbAccessVerdict(all)).toMatchObject({
      state: 'warning',
      summary:
        'everybody (the server asks for no user) can delete streams and cut streams off by their metadata: commits could disappear',
    });
    expect(esdbAccessVerdict({ ...least, isProbeBounded: false }).state).toBe('warning');
  });
  it('is of no use where it cannot read', () => {
    expect(esdbAccessVerdict({ ...least, mayReadAll: false }).state).toBe('failed');
  });
});

describe('lag', () => {
  it('of a worker is told beside what it says, and warned of when it is long', () => {
    const there = ok('is there');
    expect(withLag(there, undefined, 'gc')).toEqual(there);
    expect(withLag(there, 0, 'gc').summary).toBe('is there; read to the end of the log');
    expect(withLag(there, 3, 'gc')).toMatchObject({
      state: 'ok',
      summary: 'is there; 3 commits behind',
    });
    expect(withLag(there, LAG_COMMITS_MAX + 1, 'gc')).toMatchObject({ state: 'warning' });
    const down = { state: 'failed', summary: 'does not answer', remedy: 'start it' } as const;
    expect(withLag(down, 5_000, 'gc')).toEqual(down);
  });
  it('of the read models', () => {
    expect(readModelsVerdict(0)).toEqual(ok('up to date'));
    expect(readModelsVerdict(3)).toEqual(ok('3 commits behind'));
    expect(readModelsVerdict(LAG_COMMITS_MAX + 1).state).toBe('warning');
  });
});

describe('the clock', () => {
  const none = new Map<string, number>();
  it('is well when nothing is of the future and all agree', () => {
    expect(clockVerdict({ nowMs: NOW, newestMs: undefined, aheadMs: none }).state).toBe('ok');
    const aheadMs = new Map([['gc', -4_000]]);
    expect(clockVerdict({ nowMs: NOW, newestMs: NOW + 4_000, aheadMs }).state).toBe('ok');
  });
  it('failed when the newest commit is of the future', () => {
    expect(clockVerdict({ nowMs: NOW, newestMs: NOW + 2 * HOUR, aheadMs: none })).toMatchObject({
      state: 'failed',
      summary: expect.stringContaining('2 h in the future') as string,
    });
  });
  it('is warned of where processes differ, by name and direction', () => {
    const aheadMs = new Map([
      ['gc', 60_000],
      ['builder', -10_000],
      ['deployer', 3],
    ]);
    expect(clockVerdict({ nowMs: NOW, newestMs: NOW, aheadMs })).toMatchObject({
      state: 'warning',
      summary: 'clocks differ: that of gc is 1 min ahead, that of builder is 10 s behind',
    });
  });
});

describe('backups', () => {
  const failed = (agoMs: number) => ({ at: at(agoMs), problem: 'no route to host' });
  it.each([
    ['warning', NO_BACKUPS, /^no backup yet$/],
    [
      'ok',
      { lastSucceeded: at(HOUR), lastFailed: failed(DAY), lastVerified: at(DAY) },
      /made 1 h ago; verified 1 d ago/,
    ],
    [
      'failed',
      { lastSucceeded: at(DAY), lastFailed: failed(HOUR), lastVerified: at(DAY) },
      /failed 1 h ago: no route to host; the last good one 1 d ago/,
    ],
    [
      'failed',
      { lastSucceeded: null, lastFailed: failed(HOUR), lastVerified: null },
      /none succeeded/,
    ],
    [
      'warning',
      { lastSucceeded: at(3 * DAY), lastFailed: null, lastVerified: at(DAY) },
      /newest backup was made 3 d ago/,
    ],
    [
      'warning',
      { lastSucceeded: at(HOUR), lastFailed: null, lastVerified: null },
      /verified never/,
    ],
    [
      'warning',
      { lastSucceeded: at(HOUR), lastFailed: null, lastVerified: at(40 * DAY) },
      /verified 40 d ago/,
    ],
  ])('are a %s', (state, facts, summary) => {
    const verdict = backupVerdict(facts, NOW);
    expect(verdict.state).toBe(state);
    expect(verdict.summary).toMatch(summary);
    expect(verdict.remedy === null).toBe(state === 'ok');
  });
});

it('a span is told in the largest unit that fits', () => {
  expect([0, 999, 59_999, 60_000, HOUR, 49 * HOUR].map(spanOf)).toEqual([
    ...['0 s', '0 s', '59 s', '1 min', '1 h', '2 d'],
  ]);
});
