import { describe, expect, it } from 'vitest';
import { asProcess, BOB, digestOf, RecordedPlatform } from '../testing/index.js';
import { documentsOf, textOf } from '../testing/documents-of.js';

const HASH = 'a'.repeat(64);

describe('the models of people', () => {
  it('has users and their teams', async () => {
    const platform = await RecordedPlatform.start();
    const user = { userId: 'u1', name: 'ann', administrator: true };
    await platform.do('user', 'u1', { type: 'CreateUser', ...user });
    await platform.do('team', 't1', { type: 'CreateTeam', teamId: 't1', name: 'Crew' });
    await platform.do('team', 't1', { type: 'AddTeamMember', userId: 'u1' });
    const models = await documentsOf(platform);
    expect(await models.user('u1')).toMatchObject(user);
    expect(await models.team('t1')).toMatchObject({ name: 'Crew', members: ['u1'] });
  });

  it('has tokens without what could open a door', async () => {
    const platform = await RecordedPlatform.start();
    for (const tokenId of ['k1', 'k2']) {
      await platform.do('token', tokenId, {
        type: 'CreateToken',
        tokenId,
        userId: 'u1',
        name: `of ${tokenId}`,
        hash: HASH,
        scope: { kind: 'user' },
        expiresAt: null,
      });
    }
    await platform.do('token', 'k1', { type: 'RevokeToken' }, { actor: BOB });
    const models = await documentsOf(platform);
    expect(await models.token('k1')).toMatchObject({ status: 'revoked', revokedBy: 'bob' });
    const active = await models.tokens({ userId: 'u1', status: 'active' });
    expect(active.map(({ tokenId }) => tokenId)).toEqual(['k2']);
    expect(await textOf(models.dump())).not.toContain(HASH);
  });
});

describe('the domains model', () => {
  it('is reserved, then active, then free for another app', async () => {
    const platform = await RecordedPlatform.start();
    const host = 'www.example.com';
    const stream = digestOf(host).slice(7);
    for (const appId of ['a1', 'a2']) {
      const app = { appId, name: appId, teamId: 't1' };
      await platform.do('app', appId, { type: 'CreateApp', ...app });
      await platform.do('domain', stream, { type: 'ReserveDomain', host, appId, teamId: 't1' });
      expect(await (await documentsOf(platform)).domain(host)).toMatchObject({
        appId,
        status: 'reserved',
      });
      await platform.do('app', appId, { type: 'AddDomain', host });
      expect((await (await documentsOf(platform)).domains({ appId }))[0]).toMatchObject({
        host,
        teamId: 't1',
        status: 'active',
      });
      await platform.do('app', appId, { type: 'RemoveDomain', host });
      await platform.do('domain', stream, { type: 'ReleaseDomain', appId });
      expect(await (await documentsOf(platform)).domain(host)).toBeUndefined();
    }
  });
});

describe('the models of machines', () => {
  it('has a node as it was seen last, and since when', async () => {
    const platform = await RecordedPlatform.start();
    const seen = { hostname: 'm', cpus: 2, memoryBytes: 1, engineVersion: '20' } as const;
    const node = { nodeId: 'n1', cgroupVersion: '2', ...seen } as const;
    await platform.do('node', 'n1', { type: 'ObserveNode', ...node });
    const first = await (await documentsOf(platform)).node('n1');
    platform.pass(60_000);
    await platform.do('node', 'n1', { type: 'ObserveNode', ...node, cpus: 4 });
    const second = await (await documentsOf(platform)).node('n1');
    expect(second).toMatchObject({ cpus: 4, firstSeenAt: first?.firstSeenAt });
    expect(second?.observedAt).not.toBe(first?.observedAt);
  });

  it('keeps the newest thousand things that were collected', async () => {
    const platform = await RecordedPlatform.start();
    for (let n = 0; n < 11; n += 1) {
      const items = Array.from({ length: 100 }, (_, i) => ({
        kind: 'container' as const,
        id: `c${n}-${i}`,
        appId: n === 10 ? 'a1' : null,
        reason: 'exited',
        bytes: null,
      }));
      const collected = { type: 'RecordCollected', nodeId: 'n1', items } as const;
      await platform.do('garbage', 'n1', collected, { actor: asProcess('gc') });
    }
    const models = await documentsOf(platform);
    const all = await models.garbage({ limit: 1000 });
    expect(all).toHaveLength(1000);
    expect(all[0]?.id).toMatch(/^c10-/);
    expect(all.at(-1)?.id).toMatch(/^c1-/);
    expect(await models.garbage({ appId: 'a1', limit: 1000 })).toHaveLength(100);
  });

  it('has the policy once it was changed', async () => {
    const platform = await RecordedPlatform.start();
    const policy = { nodeId: 'n1', exitedKept: 1, minimumAgeSeconds: 0 };
    await platform.do('garbage', 'n1', { type: 'ChangePolicy', ...policy });
    const models = await documentsOf(platform);
    expect(await models.garbagePolicy('n1')).toMatchObject({ ...policy, changedBy: 'ann' });
    expect(await models.garbagePolicy('n2')).toBeUndefined();
  });
});
