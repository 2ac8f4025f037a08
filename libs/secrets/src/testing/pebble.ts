import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { selfSigned } from '../self-signed.js';

const START_MS = 15_000;

/** Pebble, the ACME server of Let's Encrypt for tests, and a name server to which every host is 127.0.0.1. */
export interface Pebble {
  readonly directory: string;
  /** PEM file that whoever speaks to it trusts (NODE_EXTRA_CA_CERTS). */
  readonly caFile: string;
  readonly agent: Agent;
  /** Where names are set: `POST /set-txt`. */
  readonly names: string;
  /** PEM of the root of the certificates that it issues. */
  readonly root: () => Promise<string>;
  /** A domain that it issues nothing for. */
  readonly blocked: string;
  readonly stop: () => Promise<void>;
}

export interface PebbleOptions {
  /** Where it asks hosts for the answer to an HTTP-01 challenge. */
  readonly httpPort: number;
  /** Life of certificates. Default 90 days. */
  readonly lifeSeconds?: number;
  /** Key id and HMAC key (base64url) of the external account that it wants. Default: none. */
  readonly externalAccount?: readonly [keyId: string, key: string];
}

export const startPebble = async (options: PebbleOptions): Promise<Pebble> => {
  const folder = await mkdtemp(join(tmpdir(), 'shiplog-pebble-'));
  const [port = 0, management = 0, dns = 0, names = 0] = await freePorts(4);
  const { chain, privateKey } = await selfSigned({
    names: ['localhost'],
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
  });
  const file = (name: string): string => join(folder, name);
  await Promise.all([
    writeFile(file('ca.pem'), chain),
    writeFile(file('key.pem'), privateKey),
    writeFile(file('pebble.json'), JSON.stringify(configOf(options, { file, port, management }))),
  ]);
  const children = [
    run('pebble-challtestsrv', [
      ...['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-dnsserver', `127.0.0.1:${dns}`],
      ...['-http01', '', '-https01', '', '-tlsalpn01', '', '-doh', ''],
      ...['-management', `127.0.0.1:${names}`],
    ]),
    run('pebble', ['-config', file('pebble.json'), '-dnsserver', `127.0.0.1:${dns}`]),
  ];
  const agent = new Agent({ ca: chain });
  const textAt = (url: string): Promise<string> => textOf(url, agent);
  const directory = `https://localhost:${port}/dir`;
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(end));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await answering(() => textAt(directory), children);
    await answering(() => fetch(`http://127.0.0.1:${names}/`), children);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    directory,
    caFile: file('ca.pem'),
    agent,
    names: `http://127.0.0.1:${names}`,
    root: () => textAt(`https://localhost:${management}/roots/0`),
    blocked: 'blocked-domain.example',
    stop,
  };
};

const configOf = (
  { httpPort, lifeSeconds = 7_776_000, externalAccount }: PebbleOptions,
  { file, port, management }: { file: (name: string) => string; port: number; management: number },
) => ({
  pebble: {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: file('ca.pem'),
    privateKey: file('key.pem'),
    httpPort,
    tlsPort: 5001,
    ocspResponderURL: '',
    externalAccountBindingRequired: externalAccount !== undefined,
    ...(externalAccount && { externalAccountMACKeys: Object.fromEntries([externalAccount]) }),
    domainBlocklist: ['blocked-domain.example'],
    retryAfter: { authz: 1, order: 1 },
    profiles: { default: { description: 'default', validityPeriod: lifeSeconds } },
  },
});

const run = (program: string, args: readonly string[]): ChildProcess => {
  const folder = process.env['SHIPLOG_PEBBLE'] ?? join(homedir(), '.cache/shiplog/bin');
  return spawn(join(folder, program), args, {
    stdio: process.env['TEST_LOG_LEVEL'] === undefined ? 'ignore' : 'inherit',
    env: { PEBBLE_VA_NOSLEEP: '1' },
  });
};

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
};

const answering = async (
  ask: () => Promise<unknown>,
  children: readonly ChildProcess[],
): Promise<void> => {
  for (const deadline = Date.now() + START_MS; ;) {
    try {
      await ask();
      return;
    } catch (cause) {
      const ended = children.some(({ exitCode }) => exitCode !== null);
      if (ended || Date.now() > deadline) throw new Error('pebble does not answer', { cause });
      await delay(50);
    }
  }
};

const textOf = (url: string, agent: Agent): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });

const freePorts = async (count: number): Promise<readonly number[]> => {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => void server.close(resolve))));
  return ports;
};
