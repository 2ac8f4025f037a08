import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { afterAll, beforeAll } from 'vitest';
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
