import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  chainOf,
  CheckpointFile,
  CheckpointTable,
  CheckpointTakenError,
  CheckpointWebhook,
  type Sealed,
  type TestifyingStore,
} from '@shiplog/integrity';
import { recordCommits, sealAll } from '@shiplog/integrity/testing';
import { startPostgres, type PostgresServer } from '@shiplog/read-models/testing';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let postgres: PostgresServer;
let folder: string;
let sealed: readonly Sealed[];
let places = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shiplog-stores-'));
  ({ sealed } = sealAll(await recordCommits(60)));
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.stop();
  await rm(folder, { recursive: true });
});

const place = (): string => join(folder, `p${(places += 1)}`);
const inFile = (file: string): Promise<TestifyingStore> =>
  Promise.resolve(new CheckpointFile('file', file));
const STORES: Record<string, () => Promise<() => Promise<TestifyingStore>>> = {
  'a file': () => {
    const file = join(place(), 'checkpoints.ndjson');
    return Promise.resolve(() => inFile(file));
  },
  SQLite: () => {
    const file = join(place(), 'checkpoints.sqlite');
    return Promise.resolve(() => CheckpointTable.open({ kind: 'sqlite', file }));
  },
  PostgreSQL: async () => {
    const url = await postgres.createDatabase(`c${(places += 1)}`);
    return () => CheckpointTable.open({ kind: 'postgres', url });
  },
};

describe.each(Object.entries(STORES))('checkpoints in %s', (_name, newPlace) => {
  it('are there after they were put, in their order, and after a restart', async () => {
    const open = await newPlace();
    let store = await open();
    expect(await store.newest()).toBeUndefined();
    expect(await store.after(0)).toEqual([]);
    await store.put(sealed.slice(0, 3));
    await store.put([]);
    await store.close();
    store = await open();
    expect(await store.newest()).toEqual(sealed[2]);
    await store.put(sealed.slice(3));
    expect(await store.after(0)).toEqual(sealed);
    expect(await store.after(2)).toEqual(sealed.slice(2));
    expect(await store.after(1, 2)).toEqual(sealed.slice(1, 3));
    expect(await store.after(0, 1)).toEqual(sealed.slice(0, 1));
    expect(chainOf(await store.after(0)).problem).toBeUndefined();
    await store.close();
  });

  it('say so when the newest of them cannot be read', async () => {
    const store = await (await newPlace())();
    expect(await store.testimony()).toEqual({ sealed: [], problem: undefined });
    await store.put(sealed.slice(0, 2));
    expect(await store.testimony()).toEqual({ sealed: sealed.slice(0, 2), problem: undefined });
    const [, , third] = sealed;
    await store.put([{ ...third, leaves: 'none' } as Sealed]);
    expect(await store.testimony()).toEqual({
      sealed: sealed.slice(0, 2),
      problem: expect.stringContaining('cannot be read') as string,
    });
    await store.close();
  });
});

describe.each(Object.entries(STORES).slice(1))('checkpoints in %s', (_name, newPlace) => {
  it('have each number once, whoever comes first', async () => {
    const open = await newPlace();
    const [one, other] = [await open(), await open()];
    await one.put(sealed.slice(0, 2));
    await expect(other.put(sealed.slice(1, 3))).rejects.toBeInstanceOf(CheckpointTakenError);
    expect(await other.after(0)).toEqual(sealed.slice(0, 2));
    await Promise.all([one.close(), other.close()]);
  });
});

describe('a file of checkpoints', () => {
  it('is only for its owner, and survives a line that a crash cut off', async () => {
    const file = join(place(), 'checkpoints.ndjson');
    const store = new CheckpointFile('file', file);
    await store.put(sealed.slice(0, 2));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await appendFile(file, '{"checkpoint":{"v":1,"platf');
    expect(await store.newest()).toEqual(sealed[1]);
    await store.put(sealed.slice(2));
    expect(await store.after(0)).toEqual(sealed);
    expect(await readFile(file, 'utf8')).toContain('platf\n');
  });

  it('is not made in the folder of a witness that is not there', async () => {
    const store = new CheckpointFile('elsewhere', join(place(), 'checkpoints.ndjson'), false);
    await expect(store.put(sealed)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a webhook as witness', () => {
  let server: Server;
  let url: string;
  let status: number;
  const received: { headers: IncomingHttpHeaders; body: string }[] = [];
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
      request.on('end', () => {
        if (status === 200) received.push({ headers: request.headers, body });
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=s3cret`;
  });
  afterAll(() => server.close());

  it('gets each checkpoint once, signed so that it can tell; what it refused comes again', async () => {
    const deliveredFile = join(folder, 'delivered.json');
    const store = new CheckpointWebhook({ url, secret, deliveredFile });
    expect(store.name).not.toContain('s3cret');
    status = 200;
    await store.put(sealed.slice(0, 2));
    status = 503;
    await expect(store.put(sealed.slice(2, 3))).rejects.toThrow('503');
    expect((await store.newest())?.checkpoint.number).toBe(2);
    status = 200;
    await store.put(sealed.slice(2, 3));
    const verified = received.map(({ headers, body }) => {
      new Webhook(secret).verify(body, headers as Record<string, string>);
      return (JSON.parse(body) as Sealed).checkpoint.number;
    });
    expect(verified).toEqual([1, 2, 3]);
  });
});
