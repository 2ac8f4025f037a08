import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger, readConfig } from '@shiplog/runtime';
import { startApi } from '../index.js';
import { startTestPlatform, type TestPlatform } from '../progress/testing/platform.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let home: string;
let platform: TestPlatform;
let port: number;
let stopApi: () => Promise<void>;

const freePort = async (): Promise<number> => {
  const server: Server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return free;
};

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'shiplog-public-'));
  port = await freePort();
  platform = await startTestPlatform(home);
  const config = readConfig({
    SHIPLOG_HOME: home,
    SHIPLOG_API_PORT: String(port),
    SHIPLOG_PUBLIC: 'yes',
    SHIPLOG_DOMAIN: 'paas.example.com',
    SHIPLOG_ACME_EMAIL: 'ops@example.com',
    // Nobody is there: what matters here does not wait for it.
    SHIPLOG_ACME_DIRECTORY: `https://127.0.0.1:${await freePort()}/dir`,
    SHIPLOG_TLS_PORT: '8443',
  });
  const api = await startApi({ ...platform.api, config, logger: createLogger('silent') });
  stopApi = () => api.stop();
});
afterAll(async () => {
  await stopApi();
  await platform.stop();
  await rm(home, { recursive: true, force: true });
});

const ask = (path: string, headers: Readonly<Record<string, string>>, method = 'GET') =>
  new Promise<{ status: number; body: string; location: string | undefined }>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers, method }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body,
          location: response.headers.location,
        }),
      );
    })
      .on('error', reject)
      .end();
  });
const token = { authorization: 'Bearer shp_x' };
const plain = { 'x-forwarded-proto': 'http', 'x-forwarded-for': '203.0.113.9' };
const secure = { ...plain, 'x-forwarded-proto': 'https' };

describe('a public platform', () => {
  it('takes credentials over https, and from its own machine', async () => {
    // Wrong ones: that is found out only where they are looked at.
    expect((await ask('/v1/apps', { ...secure, ...token })).status).toBe(401);
    expect((await ask('/v1/apps', token)).status).toBe(401);
  });

  it.each([
    ['of the API', 'GET', '/v1/apps'],
    ['of a change', 'POST', '/v1/apps'],
    ['of git', 'GET', '/git/shop.git/info/refs?service=git-receive-pack'],
  ])('refuses credentials %s over plain HTTP, and says where', async (_what, method, path) => {
    const refused = await ask(path, { ...plain, ...token }, method);
    expect(refused.status).toBe(403);
    expect(JSON.parse(refused.body)).toMatchObject({
      code: 'https-required',
      url: 'https://paas.example.com:8443',
    });
  });

  it('refuses git over plain HTTP before it asks for credentials', async () => {
    expect((await ask('/git/shop.git/info/refs', plain)).status).toBe(403);
  });

  it('sends who brought nothing to https, with the address', async () => {
    expect(await ask('/healthz?a=b', plain)).toMatchObject({
      status: 308,
      location: 'https://paas.example.com:8443/healthz?a=b',
    });
  });

  it('answers a challenge of the authority over plain HTTP, and nothing that is none', async () => {
    const path = '/.well-known/acme-challenge/';
    const answer = await ask(`${path}abc_DEF-1`, plain);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatch(/^abc_DEF-1\.[A-Za-z0-9_-]{43}$/);
    expect((await ask(`${path}abc_DEF-1`, plain)).body).toBe(answer.body);
    expect((await ask(`${path}a%0ab`, secure)).status).toBe(404);
  });

  it('puts https into what it says about itself', async () => {
    const refused = await ask('/nowhere', { ...secure, host: 'paas.example.com:8443' });
    expect(refused.status).toBe(404);
  });
});
