import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import S3rver from 's3rver';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeBackupTarget } from './backup-target.contract.js';
import { S3BackupTarget } from './s3-backup-target.js';

let folder: string;
let server: S3rver;
let port: number;
let round = 0;

beforeAll(async () => {
  // What its only user is called: constants of the double.
  process.env['AWS_ACCESS_KEY_ID'] = 'S3RVER';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'S3RVER';
  folder = await mkdtemp(join(tmpdir(), 'shiplog-backup-s3-'));
  const configureBuckets = [{ name: 'backups', configs: [] }];
  server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: folder,
    configureBuckets,
  });
  ({ port } = await server.run());
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

describeBackupTarget('S3BackupTarget', () => {
  round += 1;
  const prefix = `round-${round}/`;
  const endpoint = `http://127.0.0.1:${port}`;
  const place = { kind: 's3', bucket: 'backups', prefix, region: 'us-east-1', endpoint } as const;
  const target = new S3BackupTarget(`s3://backups/${prefix}?endpoint=${endpoint}`, place);
  return Promise.resolve({ target, clear: () => Promise.resolve() });
});

const IDLE_MS = 200;

/** Reads from a service that answers in this way; waits no longer than the test does. */
const readFrom = async (answer: RequestListener): Promise<Buffer> => {
  const stalled = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => stalled.once('listening', resolve));
  const endpoint = `http://127.0.0.1:${(stalled.address() as AddressInfo).port}`;
  const place = { kind: 's3', bucket: 'b', prefix: '', region: 'us-east-1', endpoint } as const;
  const target = new S3BackupTarget('s3://b', place, IDLE_MS);
  try {
    return await buffer(await target.read('objects/ab/one'));
  } finally {
    await target.close();
    stalled.closeAllConnections();
    stalled.close();
  }
};

it.each<[string, RequestListener]>([
  ['never answers', () => undefined],
  [
    'stops in the middle',
    (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('half');
    },
  ],
  [
    'breaks off',
    (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    },
  ],
])('a service that %s is one that does not answer, and not a damaged backup', async (_, answer) => {
  await expect(readFrom(answer)).rejects.toMatchObject({ code: 'backup-target-unavailable' });
});
