import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { selfSigned } from '@shiplog/secrets/self-signed';
import { describe, expect, it } from 'vitest';
import { handshake } from '../testing/handshake.js';
import { removeProxy, testConfig } from '../testing/test-platform.js';
import { freePort } from '../testing/free-port.js';
import { startInstance, type Ledger } from '../testing/test-instance.js';
import { waitFor } from '../testing/wait-for.js';
import { rulesOf } from '../routes/traffic-rules.js';
import {
  describeTerminator,
  describeTlsFiles,
  type FiledTerminator,
} from '../tls/terminator.contract.js';
import { tlsPaths } from '../tls/tls-paths.js';
import { nginxPaths } from './files.js';
import { NginxRouter } from './nginx-router.js';
import { NginxTerminator } from './nginx-terminator.js';
import { ensureNginx, nginxPid } from './process.js';

const started = async () => {
  const config = { ...(await testConfig('nginx')), tlsPort: await freePort() };
  const paths = nginxPaths(config, {});
  await ensureNginx(config, paths);
  return { config, paths, terminator: new NginxTerminator(paths) };
};
const pemFor = async (name: string): Promise<string> => {
  const { chain, privateKey } = await selfSigned({
    names: [name],
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
  });
  return chain + privateKey;
};

const terminated = async (): Promise<FiledTerminator> => {
  const { config, paths, terminator } = await started();
  return {
    terminator,
    handshake: (host) => handshake(config.tlsPort, host),
    restart: async () => {
      process.kill((await nginxPid(paths)) ?? Number.NaN, 'SIGKILL');
      await waitFor('it to be gone', async () => (await nginxPid(paths)) === undefined);
      await ensureNginx(config, paths);
    },
    stop: () => removeProxy(config),
    fileOf: (domain) => tlsPaths(paths).certificate(domain),
  };
};
describeTerminator('Nginx', terminated);
describeTlsFiles('Nginx', terminated);

/** The status of an answer in HTTP/2. */
const curl = async (port: number, path: string, ...more: string[]): Promise<string> => {
  const host = 'a.example.com';
  const { stdout } = await promisify(execFile)('curl', [
    ...[
      '--silent',
      '--insecure',
      '--http2',
      '--output',
      '/dev/null',
      '--write-out',
      '%{http_code}',
    ],
    ...['--resolve', `${host}:${port}:127.0.0.1`, ...more, `https://${host}:${port}${path}`],
  ]);
  return stdout;
};

describe('Nginx', () => {
  const domain = 'a.example.com';
  const install = (pem: string) => ({ kind: 'install', certificate: { domain, pem } }) as const;

  it('takes nothing that is no certificate with its key, keeps what it has, and names no key', async () => {
    const { config, terminator } = await started();
    try {
      const [one, other] = [await pemFor(domain), await pemFor(domain)];
      const [chain = ''] = one.split(/(?=-----BEGIN [A-Z ]*PRIVATE)/);
      const [, key = ''] = other.split(/(?=-----BEGIN [A-Z ]*PRIVATE)/);
      const bad = '-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n';
      for (const pem of [bad, chain, chain + key, chain + bad]) {
        const failed = terminator.apply([install(pem)]);
        await expect(failed).rejects.toMatchObject({ code: 'router-refused' });
        await expect(failed).rejects.not.toThrow(/QUJD|PRIVATE/);
        expect((await terminator.observe()).certificates.size).toBe(0);
      }
    } finally {
      await removeProxy(config);
    }
  });

  it('lets no body of HTTP/2 through that says no length where a body has a limit', async () => {
    const { config, paths, terminator } = await started();
    const ledger: Ledger = new Map();
    const instance = await startInstance('i1', 0, ledger);
    const endpoint = { instanceId: 'i1', appId: 'a', host: '127.0.0.1', port: instance.port };
    try {
      await terminator.apply([install(await pemFor(domain))]);
      await new NginxRouter(paths).apply([
        { kind: 'serve', endpoint: { ...endpoint, weight: 1 } },
        { kind: 'police', appId: 'a', rules: rulesOf({ bodyBytes: 10 }) },
        { kind: 'bind-host', host: domain, appId: 'a' },
      ]);
      const long = 'x'.repeat(100);
      const status = (method: string, body: string, ...more: string[]) =>
        curl(config.tlsPort, '/', ...['--request', method, '--data-binary', body], ...more);
      const NO_LENGTH = ['--header', 'Content-Length:'];
      expect(await status('POST', 'short')).toBe('200');
      expect(await status('POST', long)).toBe('413');
      expect(await status('POST', 'short', ...NO_LENGTH)).toBe('411');
      expect(await status('GET', long, ...NO_LENGTH)).toBe('200');
    } finally {
      await removeProxy(config);
      await instance.kill();
    }
  });

  it('serves on over a reload, and keeps keys to itself', async () => {
    const { config, paths, terminator } = await started();
    const moved = { ...config, routerPort: await freePort() };
    try {
      await terminator.apply([install(await pemFor(domain))]);
      const before = await handshake(config.tlsPort, domain);
      const { pid } = await ensureNginx(moved, paths);
      expect(await nginxPid(paths)).toBe(pid);
      expect(await handshake(config.tlsPort, domain)).toBe(before);
      const { directory } = tlsPaths(paths);
      const files = (await readdir(directory)).map((name) => join(directory, name));
      const modes = await Promise.all(
        [directory, ...files].map(async (path) => (await stat(path)).mode & 0o077),
      );
      expect(modes).toEqual([0, 0, 0]);
    } finally {
      await removeProxy(moved);
    }
  });
});
