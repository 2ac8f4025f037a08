import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startFakeApi, type FakeApi, type Routes } from '../testing/fake-api.js';
import { runCli } from '../testing/run-cli.js';

let api: FakeApi | undefined;
let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'shiplog-certs-'))));
afterEach(async () => {
  await api?.close();
  api = undefined;
  await rm(folder, { recursive: true, force: true });
});
const run = async (routes: Routes, ...argv: string[]) => {
  api = await startFakeApi(routes);
  return runCli(argv, { url: api.url });
};
const bodies = () => api?.received.map(({ body }) => JSON.parse(body.toString()) as unknown);

const shop = {
  ...{ domain: 'shop.example.com', state: 'served', source: 'own', names: ['shop.example.com'] },
  ...{ issuer: 'Example CA', fingerprint: 'ab'.repeat(32), notBefore: '2026-11-01T00:00:00.000Z' },
  ...{ notAfter: '2999-01-01T00:00:00.000Z', renewAt: null, failure: null },
};
const path = '/v1/certificates/shop.example.com';

describe('shiplog certs', () => {
  it('adds what two files hold, and prints nothing of the key', async () => {
    const [cert, key] = [join(folder, 'c.pem'), join(folder, 'k.pem')];
    await Promise.all([writeFile(cert, 'CERT'), writeFile(key, 'KEY-MATERIAL')]);
    const done = await run(
      { [`PUT ${path}`]: { sequence: '1', ...shop } },
      ...['certs', 'add', 'shop.example.com', '--cert', cert, '--key', key, '-m', 'new'],
    );
    expect(done).toMatchObject({ code: 0 });
    expect(done.stdout).toContain('The certificate of shop.example.com is served');
    expect(done.stdout + done.stderr).not.toContain('KEY-MATERIAL');
    expect(bodies()).toEqual([{ certificate: 'CERT', privateKey: 'KEY-MATERIAL' }]);
  });

  it.each([
    [['--cert', 'c.pem'], 'Name both of them'],
    [['--cert', '/nowhere/c.pem', '--key', '/nowhere/k.pem'], 'there is no such file'],
  ])('add %j is wrong usage, and asks nothing', async (args, hint) => {
    const wrong = await run({}, 'certs', 'add', 'shop.example.com', ...args);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining(hint)]);
    expect(api?.received).toEqual([]);
  });

  it('lists, and says why the next one does not come', async () => {
    const failure = {
      ...{ attempt: 3, code: 'dns', summary: 'no address for shop.example.com' },
      retryAt: '2999-01-01T00:00:00.000Z',
    };
    const listed = await run({ 'GET /v1/certificates': [{ ...shop, failure }] }, 'certs', 'list');
    expect(listed.stdout).toMatch(/shop\.example\.com +served +own +Example CA/);
    expect(listed.stdout).toContain('no address for shop.example.com');
  });

  it('shows one, and as JSON what the API says', async () => {
    const shown = await run({ [`GET ${path}`]: shop }, 'certs', 'show', 'shop.example.com');
    expect(shown.stdout).toContain('ab'.repeat(32));
    await api?.close();
    const json = await run({ [`GET ${path}`]: shop }, 'certs', 'show', shop.domain, '--json');
    expect(JSON.parse(json.stdout)).toEqual(shop);
  });

  it('removes one', async () => {
    const done = await run(
      { [`DELETE ${path}`]: { sequence: '1' } },
      'certs',
      'remove',
      shop.domain,
    );
    expect(done.stdout).toContain('no certificate of shop.example.com any more');
  });

  it.each([
    [['--hsts', '1h'], { hstsSeconds: 3600 }],
    [['--hsts', 'off'], { hstsSeconds: null }],
    [['--no-redirect'], { redirect: false }],
    [['--redirect', '--hsts', '2d'], { redirect: true, hstsSeconds: 172_800 }],
  ])('https %j changes that and nothing else', async (args, body) => {
    const answer = { sequence: '1', redirect: true, hstsSeconds: null };
    const done = await run(
      { 'PATCH /v1/apps/shop/https': answer },
      'certs',
      'https',
      '-a',
      'shop',
      ...args,
    );
    expect(done.code).toBe(0);
    expect(bodies()).toEqual([body]);
  });

  it('https without an option shows how it is', async () => {
    const answer = { redirect: true, hstsSeconds: null };
    const done = await run({ 'GET /v1/apps/shop/https': answer }, 'certs', 'https', '-a', 'shop');
    expect(done.stdout).toContain('is sent on to https');
  });
});
