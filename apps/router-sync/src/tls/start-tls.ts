import { describeError, onOwnAccount, pathsOf, type ProcessContext } from '@shiplog/runtime';
import { certificateDomain } from '@shiplog/events';
import { platformKeyStore } from '@shiplog/secrets';
import { desiredHosts } from '../routes/desired-routes.js';
import { RouterError } from '../routes/router.port.js';
import { tlsReconciler } from './reconcile-tls.js';
import type { Terminator } from './terminator.port.js';

/** A round of HTTPS, for after a round of routes. Nothing to do where the proxy speaks no TLS. */
export const startTls = (
  context: ProcessContext,
  terminator: Terminator | undefined,
  routerId: string,
): (() => Promise<void>) => {
  if (terminator === undefined) return () => Promise.resolve();
  const { config, world, logger } = context;
  const { certificates } = platformKeyStore({ ...pathsOf(config.home), ...config });
  const reconcile = tlsReconciler({
    world,
    terminator,
    platform: config.domain,
    hosts: () => plainHosts(desiredHosts(world, config.domain)),
    load: (fingerprint) => certificates.load(fingerprint),
    record: async (served) => {
      const command = { type: 'RecordCertificates', served } as const;
      await context.commands.handle('router', routerId, command, onOwnAccount(context));
    },
    onMissing: (domain, error) =>
      logger.error({ domain, error: describeError(error) }, 'certificate-not-loaded'),
  });
  return async () => {
    try {
      await reconcile();
    } catch (error) {
      if (error instanceof RouterError && error.code === 'router-unreachable') throw error;
      // Routes do not wait for certificates; the next round tries again.
      logger.error({ error: describeError(error) }, 'certificates-not-applied');
    }
  };
};

/** Of domains with a path the host. */
const plainHosts = (domains: ReadonlyMap<string, string>): ReadonlyMap<string, string> => {
  const hosts = new Map<string, string>();
  for (const [domain, appId] of domains) {
    const [host = ''] = domain.split('/');
    if (certificateDomain.safeParse(host).success && !hosts.has(host)) hosts.set(host, appId);
  }
  return hosts;
};
