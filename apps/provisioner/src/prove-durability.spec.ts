import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathsOf } from '@shiplog/runtime';
import { describe, expect, it } from 'vitest';
import {
  NotDurableError,
  assertDurable,
  isDurableVersion,
  recordDurability,
} from './prove-durability.js';

const facts = {
  id: 'N1',
  name: 'shiplog-test',
  version: '2.15.1',
  storeDirectory: '/store',
  isSyncAlways: true,
};

describe('durability of nats-server', () => {
  it.each([
    ['2.9.10', false],
    ['2.12.15', false],
    ['2.13.99', false],
    ['2.14.0', true],
    ['2.14.5-RC.1', true],
    ['2.15.1', true],
    ['3.0.0', true],
    ['1.99.0', false],
    ['', false],
  ])('of version %j is enough: %s', (version, expected) => {
    expect(isDurableVersion(version)).toBe(expected);
  });

  it('needs a new server that syncs always', () => {
    expect(() => assertDurable(facts)).not.toThrow();
    expect(() => assertDurable({ ...facts, version: '2.12.1' })).toThrow(NotDurableError);
    expect(() => assertDurable({ ...facts, isSyncAlways: false })).toThrow(/sync_interval: always/);
  });

  it('is claimed no longer than it holds', async () => {
    const home = await mkdtemp(join(tmpdir(), 'shiplog-proof-'));
    const proof = (): Promise<string> => readFile(pathsOf(home).natsProof, 'utf8');
    await recordDurability(home, facts);
    expect(JSON.parse(await proof())).toMatchObject({
      durability: 'disk',
      serverName: 'shiplog-test',
    });
    const lax = { ...facts, isSyncAlways: false };
    await expect(recordDurability(home, lax)).rejects.toThrow(NotDurableError);
    await expect(proof()).rejects.toMatchObject({ code: 'ENOENT' });
    await rm(home, { recursive: true });
  });
});
