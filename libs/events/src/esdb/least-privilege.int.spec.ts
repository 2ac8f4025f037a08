import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEsdb, type TestEsdb } from '../../../../test/support/esdb/start-esdb.js';
import { START } from '../sequence.js';
import { NO_COMMIT, appendMany, commitAfter, newStream } from '../testing/commits.js';
import { EsdbEventLog } from './esdb-event-log.js';

const run = promisify(execFile);

const ADMIN = { username: 'admin', password: 'changeit' };
const API = { username: 'shiplog-api', password: 'a-password' };
const STRANGER = { username: 'stranger', password: 'another' };
const usersOf = (...users: readonly { username: string; password: string; groups?: string }[]) =>
  users.flatMap(({ username, password, groups = '' }) => [
    '--user',
    `${username}:${password}:${groups}`,
  ]);

/** What docs/eventstoredb.md has an administrator set. */
const SETTINGS = {
  $userStreamAcl: {
    $r: ['shiplog', '$admins'],
    $w: ['shiplog', '$admins'],
    $d: '$admins',
    $mr: ['shiplog', '$admins'],
    $mw: '$admins',
  },
};

describe('users of EventStoreDB', () => {
  let folder: string;
  let esdb: TestEsdb;
  let url: string;
  const opened: EsdbEventLog[] = [];
  const open = (credentials: typeof API | undefined): EsdbEventLog => {
    const log = new EsdbEventLog({
      connectionString: url,
      name: 'log',
      credentials,
      process: 'api',
      attemptTimeoutMs: 2_000,
      deadlineMs: 3_000,
    });
    opened.push(log);
    return log;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shiplog-esdb-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    await run('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-keyout', key, '-out', cert],
    ]);
    const users = usersOf({ ...ADMIN, groups: '$admins' }, { ...API, groups: 'shiplog' }, STRANGER);
    esdb = await startEsdb({ args: ['--tls', folder, ...users] });
    url = `esdb://localhost:${esdb.port}?tls=true&tlsCAFile=${cert}`;
    const admin = EventStoreDBClient.connectionString(url);
    const credentials = ADMIN;
    await admin.appendToStream('$settings', jsonEvent({ type: 'update', data: SETTINGS }), {
      credentials,
    });
    const acl = { readRoles: ['shiplog', '$admins'] };
    await admin.setStreamMetadata('$all', { acl }, { credentials });
    await admin.setStreamMetadata('log_probe-api', { maxCount: 1 }, { credentials });
    await admin.dispose();
  });
  afterAll(async () => {
    await Promise.all(opened.map((log) => log.close()));
    await esdb.close();
    await rm(folder, { recursive: true });
  });

  it('reads, appends, follows and probes as one who may do nothing else', async () => {
    const log = open(API);
    const stream = newStream();
    await appendMany(log, stream, 3);
    expect(await log.read(stream)).toHaveLength(3);
    await log.probe();
    const seen: number[] = [];
    const following = log.follow(START, (batch) => void seen.push(batch.length));
    await expect.poll(() => seen.reduce((sum, n) => sum + n, 0)).toBe(3);
    await following.stop();
    expect(await log.inspect()).toEqual({
      user: API.username,
      mayReadAll: true,
      mayDelete: false,
      maySetMetadata: false,
      isProbeBounded: true,
    });
  });

  it('is told apart from an administrator, who could make history disappear', async () => {
    const log = open(ADMIN);
    const stream = newStream();
    await appendMany(log, stream, 2);
    expect(await log.inspect()).toMatchObject({ mayDelete: true, maySetMetadata: true });
    // To ask changes nothing.
    expect(await log.read(stream)).toHaveLength(2);
  });

  it.each([
    ['a user without rights', STRANGER],
    ['a wrong password', { ...API, password: 'wrong' }],
    ['nobody', undefined],
  ])('reads and writes nothing as %s, and says so', async (_who, credentials) => {
    const log = open(credentials);
    const stream = newStream();
    const written = log.append(stream, NO_COMMIT.revision, commitAfter(stream, NO_COMMIT));
    await expect(written).rejects.toMatchObject({ outcome: 'not-written' });
    await expect(log.readAfter(START, 10)).rejects.toMatchObject({ code: 'log-unavailable' });
    expect(await open(ADMIN).read(stream)).toEqual([]);
  });
});
