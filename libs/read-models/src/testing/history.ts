import { createHash } from 'node:crypto';
import type { EventLog } from '@shiplog/events/log';
import { AppLife } from './app-life.js';
import { ANN, asProcess, RecordedPlatform, seededRandom } from './platform.js';

export interface HistoryOptions {
  readonly apps: number;
  /** Things that happen to each app: releases, scalings, crashes, … One is about 20 events. */
  readonly turns: number;
  /** Equal seeds make equal histories. Default 1. */
  readonly seed?: number;
  /** Default: a new log in memory. */
  readonly log?: EventLog;
  /** At the end every app is stopped and the router gone: a real platform has nothing to start. Default false. */
  readonly atRest?: boolean;
  /** At the end every app is destroyed. Default false. */
  readonly destroyed?: boolean;
}

/** Writes the history of a platform in use: people, apps, builds, rollouts, crashes, garbage. */
export const recordHistory = async ({
  apps,
  turns,
  seed = 1,
  log,
  atRest = false,
  destroyed = false,
}: HistoryOptions): Promise<RecordedPlatform> => {
  const platform = await RecordedPlatform.start(log);
  const random = seededRandom(seed);
  await recordPeople(platform);
  await recordMachines(platform);
  const lives = Array.from({ length: apps }, (_, i) => new AppLife(platform, i, random));
  for (const life of lives) await life.begin();
  for (let turn = 0; turn < turns; turn += 1) {
    for (const life of lives) await life.turn();
    platform.pass(60_000);
  }
  if (destroyed) for (const life of lives) await life.destroy();
  if (atRest) {
    if (!destroyed) for (const life of lives) await life.rest();
    await platform.do(
      'router',
      'router-1',
      { type: 'RemoveRouter' },
      { actor: asProcess('router-sync') },
    );
  }
  return platform;
};

const recordPeople = async (platform: RecordedPlatform): Promise<void> => {
  await platform.do('user', 'user-ann', {
    type: 'CreateUser',
    userId: 'user-ann',
    name: 'ann',
    administrator: true,
  });
  await platform.do('user', 'user-bob', {
    type: 'CreateUser',
    userId: 'user-bob',
    name: 'bob',
    administrator: false,
  });
  for (const teamId of ['team-1', 'team-2']) {
    await platform.do('team', teamId, { type: 'CreateTeam', teamId, name: `Team "${teamId}" ü` });
    await platform.do('team', teamId, { type: 'AddTeamMember', userId: 'user-ann' });
  }
  for (const [i, name] of ['laptop', 'ci', 'old'].entries()) {
    await platform.do('token', `token-${i}`, {
      type: 'CreateToken',
      tokenId: `token-${i}`,
      userId: i === 1 ? 'user-bob' : 'user-ann',
      name,
      hash: createHash('sha256').update(name).digest('hex'),
      scope: { kind: 'user' },
      expiresAt: i === 0 ? null : '2027-01-01T00:00:00Z',
    });
  }
  await platform.do('token', 'token-2', { type: 'RevokeToken' }, { actor: ANN, reason: 'lost' });
};

const recordMachines = async (platform: RecordedPlatform): Promise<void> => {
  await platform.do(
    'node',
    'node-1',
    {
      type: 'ObserveNode',
      nodeId: 'node-1',
      hostname: 'machine',
      cpus: 2,
      memoryBytes: 8_000_000_000,
      engineVersion: '20.10.24',
      cgroupVersion: 'hybrid',
    },
    { actor: asProcess('monitor-agent') },
  );
  await platform.do(
    'router',
    'router-1',
    { type: 'StartRouter', routerId: 'router-1', kind: 'haproxy' },
    { actor: asProcess('router-sync') },
  );
};
