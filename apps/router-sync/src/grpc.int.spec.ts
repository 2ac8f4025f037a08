import { credentials, status } from '@grpc/grpc-js';
import { selfSigned } from '@shiplog/secrets/self-signed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { masterPid } from './haproxy/process.js';
import { routerPaths } from './routes/router-paths.js';
import { ask } from './testing/client.js';
import { freePort } from './testing/free-port.js';
import { grpcClient, startGrpcInstance, type GrpcInstance } from './testing/grpc.js';
import { startInstance } from './testing/test-instance.js';
import { testPlatform, type TestPlatform } from './testing/test-platform.js';
import { PATIENTLY, waitFor } from './testing/wait-for.js';

const HOST = 'talk.localhost';
let platform: TestPlatform;
let tlsPort: number;
let first: GrpcInstance;
let client: ReturnType<typeof grpcClient>;
const others: { kill(): unknown }[] = [];

const routed = async (instanceId: string): Promise<GrpcInstance> => {
  const instance = await startGrpcInstance(instanceId);
  others.push(instance);
  await platform.ready('talk', instanceId, instance.port, 'h2c');
  await platform.recorded(instanceId, 'routed');
  return instance;
};
const proxyPid = () => masterPid(routerPaths(platform.config, {}));

beforeAll(async () => {
  tlsPort = await freePort();
  platform = await testPlatform(undefined, 'haproxy', { tlsPort });
  await platform.start();
  await platform.createApp('talk', 60);
  first = await routed('i1');
  client = grpcClient(platform.config.routerPort, HOST);
});
afterAll(async () => {
  client.close();
  await platform.close();
  for (const other of others) await other.kill();
});

describe('an app that speaks gRPC', () => {
  it('answers calls with its trailers, and fails with the status that it says', async () => {
    expect(await client.unary('hello')).toEqual({
      code: status.OK,
      details: 'OK',
      answers: ['i1'],
      instance: 'i1',
    });
    expect(await client.unary('fail')).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: 'not so',
      instance: 'i1',
    });
  });

  it('keeps to the deadline of a call', async () => {
    expect(await client.unary('never', 200)).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    expect(await client.unary('after')).toMatchObject({ code: status.OK });
  });

  it('streams word by word', async () => {
    const { answers, ended } = client.stream();
    await expect.poll(() => answers, PATIENTLY).toEqual(['i1 begins']);
    first.tell('more');
    await expect.poll(() => answers, PATIENTLY).toEqual(['i1 begins', 'more']);
    first.finish();
    expect(await ended).toMatchObject({ code: status.OK });
  });

  it('is not there for a host that nobody has, nor while it has no instance', async () => {
    const { routerPort } = platform.config;
    await platform.createApp('mute');
    await expect
      .poll(() => ask(routerPort, { host: 'mute.localhost' }), PATIENTLY)
      .toMatchObject({ status: 503 });
    for (const [host, code] of [
      ['nobody.localhost', status.UNIMPLEMENTED],
      ['mute.localhost', status.UNAVAILABLE],
    ] as const) {
      const other = grpcClient(routerPort, host);
      expect(await other.unary('hello')).toMatchObject({ code });
      other.close();
    }
  });

  it('is reached over TLS', async () => {
    const made = await selfSigned({
      names: [HOST],
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() + 86_400_000),
    });
    const fingerprint = await platform.install(HOST, made);
    await waitFor('it to be served', () => platform.served()[HOST] === fingerprint);
    const secure = grpcClient(tlsPort, HOST, credentials.createSsl(Buffer.from(made.chain)));
    expect(await secure.unary('hello')).toMatchObject({ code: status.OK, instance: 'i1' });
    secure.close();
    // Plain requests to a host with a certificate are sent on to HTTPS, which clients of gRPC do not follow.
    await platform.https('talk', { redirect: false });
    await expect.poll(() => client.unary('hello'), PATIENTLY).toMatchObject({ code: status.OK });
  });

  it('goes on with its streams while others take over, without a reload', async () => {
    const pid = await proxyPid();
    const { answers, ended } = client.stream();
    await expect.poll(() => answers, PATIENTLY).toEqual(['i1 begins']);
    await routed('i2');
    await platform.retire('i1');
    await platform.recorded('i1', 'unrouted');
    const calls = await Promise.all(Array.from({ length: 20 }, () => client.unary('hello')));
    expect(new Set(calls.map(({ code, instance }) => `${code} ${String(instance)}`))).toEqual(
      new Set(['0 i2']),
    );
    first.tell('still here');
    await expect.poll(() => answers, PATIENTLY).toEqual(['i1 begins', 'still here']);
    expect(platform.routeOf('i1')).toBe('unrouted');
    first.finish();
    expect(await ended).toMatchObject({ code: status.OK });
    await platform.recorded('i1', 'drained');
    expect(await proxyPid()).toBe(pid);
  });

  it('is there again when the proxy was killed, before anybody tells it', async () => {
    await platform.stop();
    process.kill((await proxyPid()) ?? Number.NaN, 'SIGKILL');
    await expect.poll(proxyPid, PATIENTLY).toBeUndefined();
    await platform.start();
    await expect
      .poll(() => client.unary('hello'), PATIENTLY)
      .toMatchObject({ code: status.OK, instance: 'i2' });
  });

  it('may have instances of both kinds while it changes from one to the other', async () => {
    const plain = await startInstance('i3', 0);
    others.push(plain);
    await platform.ready('talk', 'i3', plain.port);
    await platform.recorded('i3', 'routed');
    await platform.retire('i2');
    await platform.recorded('i2', 'drained');
    expect(await ask(platform.config.routerPort, { host: HOST })).toMatchObject({
      status: 200,
      body: 'i3',
    });
  });
});
