import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import type { CommandResult } from '@shiplog/commands';
import { startReconcileLoop, type RoundResult } from '@shiplog/reconcile';
import {
  describeError,
  faultPoint,
  onOwnAccount,
  pathsOf,
  type ProcessContext,
  type StartProcess,
} from '@shiplog/runtime';
import { startAccess } from './access/start-access.js';
import { reportTraffic } from './report-traffic.js';
import { Passwords } from './routes/passwords.js';
import { proxyOf } from './routes/proxy.js';
import { QuarantiningRouter } from './routes/quarantine.js';
import { platformKeyStore } from '@shiplog/secrets';
import { startTls } from './tls/start-tls.js';
import { ChangedApps } from './routes/changed-apps.js';
import { routesReconciler } from './routes/reconcile.js';
import { RouterError, type Router } from './routes/router.port.js';
import { routerHealth } from './router-health.js';

/** How soon a proxy that died is noticed. */
const WATCH_MS = 250;
const RESYNC_MS = 5_000;

/** Keeps the routes of one proxy those of the log, and the proxy alive. Stopping leaves it running. */
export const startRouterSync: StartProcess = async (context) => {
  const { config, feed, logger } = context;
  const routerId = `router-${config.nodeId}`;
  const proxy = proxyOf(config, process.env);
  const { kind } = proxy;
  const router = quarantining(proxy.router, logger);
  const found = await proxy.ensure();
  let { pid } = found;
  logger.info({ pid, wasAdopted: found.wasAdopted, socket: proxy.socket }, `${kind}-ready`);

  assertAccepted(
    await context.commands.handle(
      'router',
      routerId,
      { type: 'StartRouter', routerId, kind },
      onOwnAccount(context),
    ),
  );

  const changes = new ChangedApps();
  const reconcile = routesReconciler({
    world: context.world,
    router,
    routerId,
    domain: config.domain,
    instanceHost: await numericAddress(config.instanceHost),
    passwords: passwordsOf(context),
    catchUp: () => feed.catchUp(),
    takeChanged: () => changes.take(),
    nowMs: () => performance.now(),
    onRefused: (routes) =>
      logger.error({ routes: routes.slice(0, 50), count: routes.length }, 'route-removal-refused'),
    record: async (facts, position) => {
      faultPoint('router-sync/before-record');
      const command = { type: 'RecordRoutes', position, ...facts } as const;
      assertAccepted(
        await context.commands.handle('router', routerId, command, onOwnAccount(context)),
      );
      faultPoint('router-sync/after-record');
      logger.debug({ ...facts }, 'routes-recorded');
    },
  });

  const tls = startTls(context, proxy.terminator, routerId);
  const round = async (): Promise<RoundResult> => {
    await proxy
      .trimLog()
      .catch((error: unknown) =>
        logger.warn({ error: describeError(error) }, `${kind}-log-not-trimmed`),
      );
    try {
      // Workers of nginx answer on when their master is dead: nobody would replace them.
      if (pid !== undefined && !isAlive(pid)) ({ pid } = await proxy.ensure());
      const result = await reconcile();
      await tls();
      return result;
    } catch (error) {
      if (!(error instanceof RouterError) || error.code !== 'router-unreachable') throw error;
      logger.warn({ error: describeError(error) }, `${kind}-unreachable`);
      ({ pid } = await proxy.ensure());
      logger.info({ pid }, `${kind}-ready`);
      return reconcile();
    }
  };
  const loop = startReconcileLoop({
    name: 'routes',
    round,
    resyncMs: RESYNC_MS,
    onError: (error) => logger.error({ error: describeError(error) }, 'round-failed'),
  });
  const stopListening = feed.onBatch((batch) => {
    if (changes.note(batch)) loop.nudge();
  });
  const stopServing = context.bus.serve('health', () =>
    Promise.resolve(routerHealth(kind, router.quarantined.size)),
  );
  const stopReporting = reportTraffic(context, router, routerId);
  const stopAccess = startAccess(context, router, proxy.access);
  const watch = setInterval(() => {
    if (pid !== undefined && !isAlive(pid)) loop.nudge();
  }, WATCH_MS);

  return {
    stop: async () => {
      clearInterval(watch);
      stopReporting();
      await stopAccess();
      stopServing();
      stopListening();
      await loop.stop();
    },
  };
};

const passwordsOf = ({ config, world, logger }: ProcessContext): Passwords => {
  const { apps } = platformKeyStore({ ...pathsOf(config.home), ...config });
  return new Passwords({
    world,
    decrypt: (appId, encrypted) => apps.decrypt(appId, encrypted),
    onMissing: (appId, user, error) =>
      logger.error({ appId, user, error: describeError(error) }, 'password-not-readable'),
  });
};

/** An app that the proxy refuses keeps the routes that it had, and is told of. */
const quarantining = (router: Router, logger: ProcessContext['logger']): QuarantiningRouter =>
  new QuarantiningRouter(router, {
    nowMs: () => performance.now(),
    onChange: (appId, reason) =>
      reason === undefined
        ? logger.info({ appId }, 'app-no-longer-quarantined')
        : logger.error({ appId, reason }, 'app-quarantined'),
  });

/** A refused fact is a bug or a removed router; the loop reports it and tries again. */
const assertAccepted = (result: CommandResult<'router'>): void => {
  if (result.outcome === 'rejected') {
    throw new Error(`the log refused the router's facts: ${result.rejection.code}`);
  }
};

/** A process that nobody has buried yet still has a number, but serves no more. */
const isAlive = (pid: number): boolean => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return answersSignals(pid);
  }
};

/** For systems without /proc. */
const answersSignals = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** The runtime API takes numbers only. */
const numericAddress = async (host: string): Promise<string> => {
  const found = await lookup(host, { family: 4 }).catch((cause: unknown) => {
    throw new RouterError(
      'router-config-invalid',
      `SHIPLOG_INSTANCE_HOST is ${host}, which has no address here`,
      { cause },
    );
  });
  return found.address;
};
