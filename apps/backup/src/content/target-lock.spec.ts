import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InMemoryBackupTarget } from '../target/in-memory-backup-target.js';
import { putText } from './backup-set.js';
import { lockTarget, type TargetLock } from './target-lock.js';

const NOW = Date.UTC(2026, 0, 1);
const RENEW_MS = 60_000;

/** A target whose puts wait for the test, one by one. */
class SlowTarget extends InMemoryBackupTarget {
  isSlow = false;
  readonly waiting: (() => void)[] = [];

  override async put(name: string, file: string): Promise<void> {
    if (this.isSlow) await new Promise<void>((resolve) => this.waiting.push(resolve));
    await super.put(name, file);
  }
}

describe('the lock of a target', () => {
  let target: SlowTarget;
  let staging: string;

  beforeEach(async () => {
    target = new SlowTarget();
    staging = await mkdtemp(join(tmpdir(), 'shiplog-lock-'));
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await rm(staging, { recursive: true, force: true });
  });

  const lock = (id: string, nowMs = NOW): Promise<TargetLock> =>
    lockTarget(target, { id, staging, now: () => nowMs });
  const locks = (): string[] => [...target.files.keys()];
  const leave = (id: string, left: object): void => {
    const holder = { id, host: 'elsewhere', pid: 1, life: 'x', ...left };
    target.files.set(`locks/${id}.json`, Buffer.from(JSON.stringify(holder)));
  };

  it('is held by one, until it is given back', async () => {
    const first = await lock('one');
    await expect(lock('two')).rejects.toMatchObject({ code: 'backup-target-busy' });
    expect(locks()).toEqual(['locks/one.json']);
    await first.release();
    await (await lock('two')).release();
    expect(locks()).toEqual([]);
  });

  it('of a machine that renewed it is respected, of one that is gone is taken over', async () => {
    leave('far', { renewedAt: new Date(NOW - 9 * 60_000).toISOString() });
    await expect(lock('one')).rejects.toMatchObject({ code: 'backup-target-busy' });
    await (await lock('one', NOW + 2 * 60_000)).release();
    expect(locks()).toEqual([]);
  });

  it('of an earlier life of this process is taken over at once', async () => {
    const renewedAt = new Date(NOW).toISOString();
    leave('before', { host: hostname(), pid: process.pid, renewedAt });
    await (await lock('one')).release();
    expect(locks()).toEqual([]);
  });

  it('is renewed, and does not come back when a renewal was under way as it was given back', async () => {
    const held = await lock('one');
    target.isSlow = true;
    vi.advanceTimersByTime(RENEW_MS);
    await vi.waitFor(() => expect(target.waiting).toHaveLength(1));
    const released = held.release();
    target.waiting[0]?.();
    await released;
    await vi.waitFor(async () => expect(await readdir(staging)).toEqual([]));
    expect(locks()).toEqual([]);
  });

  it('never swaps texts that are put at the same time', async () => {
    target.isSlow = true;
    const putting = Promise.all([
      putText(target, staging, 'locks/a', 'the lock'),
      putText(target, staging, 'backups/b', 'the manifest'),
    ]);
    await vi.waitFor(() => expect(target.waiting).toHaveLength(2));
    for (const go of target.waiting) go();
    await putting;
    expect(target.files.get('locks/a')?.toString()).toBe('the lock');
    expect(target.files.get('backups/b')?.toString()).toBe('the manifest');
    expect(await readdir(staging)).toEqual([]);
  });
});
