import type { ActiveApp } from '@shiplog/domain';
import { beforeEach, describe, expect, it } from 'vitest';
import { Passwords } from './passwords.js';

describe('passwords of clients', () => {
  let users: Record<string, string>;
  /** Of another app. */
  let others: Record<string, string>;
  let opened: string[];
  let missed: string[];
  let lost: Set<string>;
  let passwords: Passwords;
  /** What comes while others are opened. */
  let meanwhile: () => void;

  const appOf = (appId: string): ActiveApp =>
    ({
      appId,
      basicAuth: { users: appId === 'a1' ? users : others, passesHeader: false },
    }) as ActiveApp;

  beforeEach(() => {
    [users, others, opened, missed, lost] = [{}, {}, [], [], new Set()];
    meanwhile = () => undefined;
    passwords = new Passwords({
      world: { apps: () => ['a1', 'a2'].map(appOf), app: appOf },
      decrypt: (appId, encrypted) => {
        meanwhile();
        if (lost.has(encrypted)) return Promise.reject(new Error('its key is gone'));
        opened.push(encrypted);
        return Promise.resolve(`${appId} ${encrypted}`);
      },
      onMissing: (appId, user) => missed.push(`${appId} ${user}`),
    });
  });

  it('are opened once, and forgotten when nobody has them any more', async () => {
    users = { ann: 'x', bob: 'y' };
    await passwords.open(() => 'all');
    await passwords.open(() => 'all');
    expect([opened, passwords.hashOf('x')]).toEqual([['x', 'y'], 'a1 x']);
    users = { ann: 'z' };
    await passwords.open(() => 'all');
    expect(['x', 'y', 'z'].map(passwords.hashOf)).toEqual([undefined, undefined, 'a1 z']);
  });

  it('are all open afterwards, those too that came meanwhile', async () => {
    users = { ann: 'x' };
    meanwhile = () => (users = { ann: 'x2', bob: 'y' });
    await passwords.open(() => 'all');
    expect(['x2', 'y'].map(passwords.hashOf)).toEqual(['a1 x2', 'a1 y']);
  });

  it('that cannot be read are told of once, hold up nobody, and are tried again', async () => {
    users = { ann: 'x', bob: 'y' };
    lost.add('x');
    await passwords.open(() => 'all');
    await passwords.open(() => 'all');
    expect([missed, passwords.hashOf('x'), passwords.hashOf('y')]).toEqual([
      ['a1 ann'],
      undefined,
      'a1 y',
    ]);
    lost.clear();
    await passwords.open(() => 'all');
    expect(passwords.hashOf('x')).toBe('a1 x');
  });

  it('of some apps are opened, and what could not be read before', async () => {
    users = { ann: 'x', bob: 'y' };
    lost.add('x');
    await passwords.open(() => new Set(['a2']));
    expect(opened).toEqual([]);
    await passwords.open(() => new Set(['a1']));
    expect(opened).toEqual(['y']);
    lost.clear();
    expect(await passwords.open(() => new Set(['a2']))).toEqual(new Set(['a1']));
    expect(opened).toEqual(['y', 'x']);
  });

  it('of apps that are named while others are opened are open afterwards', async () => {
    users = { ann: 'x' };
    const named = new Set(['a1']);
    meanwhile = () => {
      others = { eve: 'y' };
      named.add('a2');
    };
    await passwords.open(() => named);
    expect(opened).toEqual(['x', 'y']);
  });
});
