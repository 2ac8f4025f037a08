import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { connect } from 'node:tls';
import { selfSigned } from '@shiplog/secrets/self-signed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NginxAdmin } from './nginx/admin.js';
import { nginxPaths } from './nginx/files.js';
import { ask } from './testing/client.js';
import { freePort } from './testing/free-port.js';
import { handshake } from './testing/handshake.js';
import { startInstance, type TestInstance } from './testing/test-instance.js';
import { testPlatform, type TestPlatform } from './testing/test-platform.js';
import { PATIENTLY, waitFor } from './testing/wait-for.js';

let platform: TestPlatform;
let instance: TestInstance;
/** Stands for the api: it answers with its name. */
let api: TestInstance;
let port: number;
let tlsPort: number;

const DOMAIN = 'paas.example.com';
const HOST = `one.${DOMAIN}`;
const made = (name: string) =>
  selfSigned({
    names: [name],
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
  });
const secure = (host: string, path = '/') =>
  new Promise<{ status: number; body: string; hsts: string | undefined }>((resolve, reject) => {
    const options = { port: tlsPort, host: '127.0.0.1', servername: host, path };
    const sent = request(
      { ...options, headers: { host }, rejectUnauthorized: false },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body,
            hsts: response.headers['strict-transport-security'],
          }),
        );
      },
    );
    sent.on('error', reject).end();
  });
const install = async (domain: string): Promise<string> => {
  const fingerprint = await platform.install(domain, await made(domain));
  await waitFor('it to be served', () => platform.served()[domain] === fingerprint);
  return fingerprint;
};

const start = async (router: 'haproxy' | 'nginx'): Promise<void> => {
  tlsPort = await freePort();
  api = await startInstance('api', 0);
  platform = await testPlatform(undefined, router, {
    ...{ tlsPort, domain: DOMAIN, apiPort: api.port },
    acme: {
      email: 'ops@example.com',
      directory: '',
      externalAccount: undefined,
      dnsHook: undefined,
    },
  });
  port = platform.config.routerPort;
  await platform.start();
  await platform.createApp('one');
  instance = await startInstance('i1', 0);
  await platform.ready('one', 'i1', instance.port);
  await platform.recorded('i1', 'routed');
};
const kill = async (router: 'haproxy' | 'nginx'): Promise<void> => {
  const workers =
    router === 'nginx'
      ? (await new NginxAdmin(nginxPaths(platform.config, {}).admin).read()).workers.keys()
      : [];
  for (const pid of [(await platform.proxyPid()) ?? Number.NaN, ...workers])
    process.kill(pid, 'SIGKILL');
};

describe.each(['haproxy', 'nginx'] as const)('an app with a certificate, by %s', (router) => {
  beforeAll(() => start(router));
  afterAll(async () => {
    await platform.close();
    await instance.kill();
    await api.kill();
  });

  it('is served over HTTPS as soon as the router recorded it, without a reload', async () => {
    const pid = await platform.proxyPid();
    expect(await handshake(tlsPort, HOST)).toBeUndefined();
    expect(await ask(port, { host: HOST })).toMatchObject({ status: 200, body: 'i1' });
    await install(HOST);
    expect(await secure(HOST)).toMatchObject({ status: 200, body: 'i1' });
    expect(await platform.proxyPid()).toBe(pid);
  });

  it('gets plain requests sent on, with their path, unless it wants them', async () => {
    const path = '/a/b?c=d';
    await expect
      .poll(() => ask(port, { host: HOST, path }), PATIENTLY)
      .toMatchObject({ status: 308, headers: { location: `https://${HOST}:${tlsPort}${path}` } });
    await platform.https('one', { redirect: false });
    await expect.poll(() => ask(port, { host: HOST }), PATIENTLY).toMatchObject({ status: 200 });
    await platform.https('one', { redirect: true, hstsSeconds: 3600 });
    await expect.poll(() => secure(HOST), PATIENTLY).toMatchObject({ hsts: 'max-age=3600' });
  });

  it('has its policy for what a certificate of a wildcard domain serves, and for no host of its own', async () => {
    await platform.app('one', { type: 'AddDomain', host: '*.wild.localhost' });
    await platform.createApp('plain');
    await platform.https('plain', { redirect: false });
    await platform.ready('plain', 'p1', instance.port);
    await platform.app('plain', { type: 'AddDomain', host: 'own.wild.localhost' });
    await platform.recorded('p1', 'routed');
    await install('*.wild.localhost');
    const host = 'any.wild.localhost';
    await expect
      .poll(() => ask(port, { host, path: '/a?b' }), PATIENTLY)
      .toMatchObject({ status: 308, headers: { location: `https://${host}:${tlsPort}/a?b` } });
    expect(await secure(host)).toMatchObject({ status: 200, hsts: 'max-age=3600' });
    // The certificate does not reach that deep.
    expect(await ask(port, { host: 'x.any.wild.localhost' })).toMatchObject({ status: 200 });
    expect(await ask(port, { host: 'own.wild.localhost' })).toMatchObject({ status: 200 });
    expect(await secure('own.wild.localhost')).toMatchObject({ status: 200, hsts: undefined });
    await platform.https('one', { redirect: false, hstsSeconds: null });
    await expect.poll(() => ask(port, { host }), PATIENTLY).toMatchObject({ status: 200 });
    await platform.https('one', { redirect: true, hstsSeconds: 3600 });
  });

  it('lets the authority and the clients of the platform through, redirect or not', async () => {
    const path = '/.well-known/acme-challenge/abc';
    expect(await ask(port, { host: HOST, path })).toMatchObject({ status: 200, body: 'api' });
    expect(await ask(port, { host: 'nobody.org', path })).toMatchObject({ body: 'api' });
    await install(DOMAIN);
    expect(await secure(DOMAIN)).toMatchObject({ status: 200, body: 'api' });
    const told = await ask(port, {
      host: DOMAIN,
      path: '/headers',
      headers: { 'x-forwarded-proto': 'https', 'x-forwarded-for': '1.2.3.4', 'x-real-ip': 'a' },
    });
    expect(JSON.parse(told.body)).toMatchObject({
      host: DOMAIN,
      'x-forwarded-proto': 'http',
      'x-forwarded-for': '127.0.0.1',
    });
    expect(JSON.parse((await secure(DOMAIN, '/headers')).body)).toMatchObject({
      'x-forwarded-proto': 'https',
    });
  });

  it('hears that it is https, whatever a client claims', async () => {
    const { body } = await secure(HOST, '/headers');
    expect(JSON.parse(body)).toMatchObject({
      'x-forwarded-proto': 'https',
      'x-forwarded-port': String(tlsPort),
    });
  });

  it('speaks HTTP/2 and HTTP/1.1, TLS 1.2 and newer, and nothing older', async () => {
    const session = connectHttp2(`https://127.0.0.1:${tlsPort}`, {
      ...{ servername: HOST, rejectUnauthorized: false },
    });
    const stream = session.request({ ':path': '/', ':authority': HOST });
    const status = await new Promise((resolve, reject) => {
      stream.once('response', (headers) => resolve(headers[':status']));
      session.once('error', reject);
    });
    session.destroy();
    expect(status).toBe(200);
    const versionOf = (version: 'TLSv1.1' | 'TLSv1.2') =>
      new Promise((resolve) => {
        const socket = connect(
          {
            ...{ port: tlsPort, host: '127.0.0.1', servername: HOST, rejectUnauthorized: false },
            ...{ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' },
          },
          () => {
            resolve(socket.getProtocol());
            socket.destroy();
          },
        );
        socket.once('error', () => resolve('refused'));
      });
    expect(await versionOf('TLSv1.2')).toBe('TLSv1.2');
    expect(await versionOf('TLSv1.1')).toBe('refused');
  });

  it('fails no request while its certificate is replaced, ten times over', async () => {
    const failed: string[] = [];
    let answered = 0;
    let isStopping = false;
    const client = async (): Promise<void> => {
      while (!isStopping) {
        const answer = await secure(HOST).catch((error: unknown) => String(error));
        answered += 1;
        if (typeof answer === 'string' || answer.status !== 200)
          failed.push(JSON.stringify(answer));
      }
    };
    const clients = Array.from({ length: 8 }, client);
    for (let i = 0; i < 10; i += 1) await install(HOST);
    isStopping = true;
    await Promise.all(clients);
    expect(failed).toEqual([]);
    expect(answered).toBeGreaterThan(50);
  });

  it('is back with it when the proxy was killed and nobody but router-sync is there', async () => {
    const before = await handshake(tlsPort, HOST);
    await kill(router);
    await expect
      .poll(() => handshake(tlsPort, HOST), { timeout: 5_000, interval: 20 })
      .toBe(before);
  });

  it('answers no handshake any more when it is removed, and plain requests again', async () => {
    await platform.uninstall(HOST);
    await waitFor('it to be recorded', () => !(HOST in platform.served()));
    expect(await handshake(tlsPort, HOST)).toBeUndefined();
    expect(await ask(port, { host: HOST })).toMatchObject({ status: 200, body: 'i1' });
  });
});
