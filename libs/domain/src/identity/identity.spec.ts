import { describe, expect, it } from 'vitest';
import type { DomainEvent } from '@shiplog/events';
import { given } from '../testing/index.js';
import { domain, type DomainLook } from './domain.js';
import { name } from './name.js';
import { team, user } from './people.js';
import { isTokenUsable, token } from './token.js';

describe('a name', () => {
  const mine = { name: 'hello', appId: 'a1', teamId: 't1' };
  const reserved = { type: 'NameReserved', v: 1, data: mine } as const;
  const released = { type: 'NameReleased', v: 1, data: { name: 'hello', appId: 'a1' } } as const;

  it('belongs to the first app that asks', () => {
    given(name)()
      .when({ type: 'ReserveName', ...mine })
      .then(reserved);
    given(name)(reserved)
      .when({ type: 'ReserveName', ...mine, appId: 'a2' })
      .thenRejected({ code: 'name-taken', name: 'hello' });
  });
  it('is reserved once for the same app', () => {
    given(name)(reserved)
      .when({ type: 'ReserveName', ...mine })
      .thenNothing();
  });
  it('is free again when its own app gives it back, not when another does', () => {
    given(name)(reserved).when({ type: 'ReleaseName', appId: 'a1' }).then(released);
    given(name)(reserved).when({ type: 'ReleaseName', appId: 'a2' }).thenNothing();
    given(name)(reserved, released)
      .when({ type: 'ReserveName', ...mine })
      .then(reserved);
  });
});

describe('a domain', () => {
  const mine = { host: 'www.example.com', appId: 'a1', teamId: 't1' };
  const reserved = { type: 'DomainReserved', v: 2, data: mine } as const;

  it('belongs to one app at a time', () => {
    given(domain)()
      .when({ type: 'ReserveDomain', ...mine })
      .then(reserved);
    given(domain)(reserved)
      .when({ type: 'ReserveDomain', ...mine, appId: 'a2' })
      .thenRejected({ code: 'domain-taken', host: 'www.example.com' });
    given(domain)(reserved)
      .when({ type: 'ReserveDomain', ...mine })
      .thenNothing();
  });
  it('is proven by what is looked up, once and for all', () => {
    const [since, until, at] = [
      '2026-11-26T10:00:00.000Z',
      '2026-12-03T10:00:00.000Z',
      '2026-11-26T10:01:00.000Z',
    ];
    const proof = { since, until };
    const { host, appId } = mine;
    const demanded = {
      type: 'DomainProofDemanded',
      v: 1,
      data: { host, appId, ...proof },
    } as const;
    given(domain)()
      .when({ type: 'ReserveDomain', ...mine, proof })
      .then(reserved, demanded);
    given(domain)(reserved, demanded)
      .when({ type: 'ReserveDomain', ...mine, proof })
      .thenNothing();
    const verified = { outcome: 'verified', reason: null, at } as const;
    const failed = { outcome: 'failed', reason: 'there is none', at } as const;
    const looked = (look: DomainLook) =>
      ({ type: 'DomainLookedUp', v: 1, data: { host, appId, ...look } }) as const;
    given(domain)(reserved, demanded)
      .when({ type: 'RecordDomainLook', appId, look: failed })
      .then(looked(failed));
    // Of another app, and of a domain of which nothing has to be proven, nothing is recorded.
    given(domain)(reserved, demanded)
      .when({ type: 'RecordDomainLook', appId: 'a2', look: verified })
      .thenNothing();
    given(domain)(reserved).when({ type: 'RecordDomainLook', appId, look: verified }).thenNothing();
    const stateAfter = (...events: DomainEvent[]) =>
      events.reduce(domain.evolve, domain.initialState);
    expect(stateAfter(reserved, demanded)).toMatchObject({ proof: { status: 'pending' } });
    expect(stateAfter(reserved, demanded, looked(failed))).toMatchObject({
      proof: { status: 'failed', lastLook: failed },
    });
    expect(stateAfter(reserved, demanded, looked(verified), looked(failed))).toMatchObject({
      proof: { status: 'verified', lastLook: failed },
    });
  });
  it('is given back by its own app only', () => {
    given(domain)(reserved).when({ type: 'ReleaseDomain', appId: 'a2' }).thenNothing();
    given(domain)(reserved)
      .when({ type: 'ReleaseDomain', appId: 'a1' })
      .then({ type: 'DomainReleased', v: 2, data: { host: 'www.example.com', appId: 'a1' } });
  });
});

describe('a token', () => {
  const data = {
    tokenId: 'k1',
    userId: 'u1',
    name: 'laptop',
    hash: 'a'.repeat(64),
    scope: { kind: 'user' } as const,
    expiresAt: '2026-01-02T00:00:00.000Z',
  };
  const createdToken = { type: 'TokenCreated', v: 1, data } as const;
  const revoked = { type: 'TokenRevoked', v: 1, data: { tokenId: 'k1' } } as const;

  it('is made once and revoked once', () => {
    given(token)()
      .when({ type: 'CreateToken', ...data })
      .then(createdToken);
    given(token)(createdToken)
      .when({ type: 'CreateToken', ...data })
      .thenRejected({ code: 'token-already-exists' });
    given(token)(createdToken).when({ type: 'RevokeToken' }).then(revoked);
    given(token)(createdToken, revoked).when({ type: 'RevokeToken' }).thenNothing();
    given(token)().when({ type: 'RevokeToken' }).thenRejected({ code: 'token-not-found' });
  });
  it('is usable until it expires or is revoked', () => {
    const active = token.evolve(token.initialState, createdToken);
    expect(isTokenUsable(active, Date.parse('2026-01-01T00:00:00.000Z'))).toBe(true);
    expect(isTokenUsable(active, Date.parse('2026-01-02T00:00:00.000Z'))).toBe(false);
    expect(isTokenUsable(token.evolve(active, revoked), 0)).toBe(false);
  });
});

describe('users and teams', () => {
  const ann = { userId: 'u1', name: 'ann', administrator: true };
  const userCreated = { type: 'UserCreated', v: 1, data: ann } as const;
  const teamCreated = {
    type: 'TeamCreated',
    v: 1,
    data: { teamId: 't1', name: 'default' },
  } as const;
  const joined = { type: 'TeamMemberAdded', v: 1, data: { teamId: 't1', userId: 'u1' } } as const;

  it('are made once', () => {
    given(user)()
      .when({ type: 'CreateUser', ...ann })
      .then(userCreated);
    given(user)(userCreated)
      .when({ type: 'CreateUser', ...ann })
      .thenNothing();
    given(user)(userCreated)
      .when({ type: 'CreateUser', ...ann, name: 'bob' })
      .thenRejected({ code: 'user-already-exists' });
    given(team)().when({ type: 'CreateTeam', teamId: 't1', name: 'default' }).then(teamCreated);
    given(team)(teamCreated)
      .when({ type: 'CreateTeam', teamId: 't1', name: 'default' })
      .thenNothing();
  });
  it('are erased as often as it is asked for, if they exist', () => {
    const erased = { type: 'PersonErased', v: 1, data: { userId: 'u1' } } as const;
    given(user)(userCreated).when({ type: 'ErasePerson' }).then(erased);
    given(user)(userCreated, erased).when({ type: 'ErasePerson' }).then(erased);
    given(user)().when({ type: 'ErasePerson' }).thenRejected({ code: 'user-not-found' });
    const twice = [userCreated, erased, erased].reduce(user.evolve, user.initialState);
    expect(twice).toMatchObject({ status: 'active', name: 'ann', erasures: 2 });
  });
  it('join once, and only a team that exists', () => {
    given(team)(teamCreated).when({ type: 'AddTeamMember', userId: 'u1' }).then(joined);
    given(team)(teamCreated, joined).when({ type: 'AddTeamMember', userId: 'u1' }).thenNothing();
    given(team)()
      .when({ type: 'AddTeamMember', userId: 'u1' })
      .thenRejected({ code: 'team-not-found' });
  });
});
