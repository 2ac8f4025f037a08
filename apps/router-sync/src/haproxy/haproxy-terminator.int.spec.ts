import { describe, expect, it } from 'vitest';
import { handshake } from '../testing/handshake.js';
import { removeProxy, testConfig } from '../testing/test-platform.js';
import { freePort } from '../testing/free-port.js';
import { waitFor } from '../testing/wait-for.js';
import { routerPaths } from '../routes/router-paths.js';
import {
  describeTerminator,
  describeTlsFiles,
  type FiledTerminator,
} from '../tls/terminator.contract.js';
import { tlsPaths } from '../tls/tls-paths.js';
import { HaproxyTerminator } from './haproxy-terminator.js';
import { ensureProcess, masterPid } from './process.js';

const started = async () => {
  const config = { ...(await testConfig()), tlsPort: await freePort() };
  const paths = routerPaths(config, {});
  await ensureProcess(config, paths);
  return { config, paths, terminator: new HaproxyTerminator(paths) };
};

const terminated = async (): Promise<FiledTerminator> => {
  const { config, paths, terminator } = await started();
  return {
    terminator,
    handshake: (host) => handshake(config.tlsPort, host),
    restart: async () => {
      process.kill((await masterPid(paths)) ?? Number.NaN, 'SIGKILL');
      await waitFor('it to be gone', async () => (await masterPid(paths)) === undefined);
      await ensureProcess(config, paths);
    },
    stop: () => removeProxy(config),
    fileOf: (domain) => tlsPaths(paths).certificate(domain),
  };
};
describeTerminator('HAProxy', terminated);
describeTlsFiles('HAProxy', terminated);

describe('HAProxy', () => {
  it('takes nothing that is no certificate, keeps what it has, and names no key', async () => {
    const { config, terminator } = await started();
    try {
      const bad = '-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n';
      const certificate = { domain: 'a.example.com', pem: bad };
      const failed = terminator.apply([{ kind: 'install', certificate }]);
      await expect(failed).rejects.toMatchObject({ code: 'router-refused' });
      await expect(failed).rejects.not.toThrow(/QUJD/);
      expect((await terminator.observe()).certificates.size).toBe(0);
    } finally {
      await removeProxy(config);
    }
  });
});
