import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InMemoryBus, InMemoryHub } from '@shiplog/bus';
import { CommandHandler, worldFold } from '@shiplog/commands';
import {
  World,
  type AppCommand,
  type InstanceCommand,
  type Reach,
  type RetireReason,
  type RouteState,
} from '@shiplog/domain';
import type { HttpsPolicy, ProcessName, WebProtocol } from '@shiplog/events';
import { InMemoryEventLog, LogFeed, type EventLog } from '@shiplog/events/log';
import {
  createLogger,
  pathsOf,
  processContext,
  readConfig,
  type PlatformConfig,
  type RunningProcess,
} from '@shiplog/runtime';
import { platformKeyStore, type StoredCertificate } from '@shiplog/secrets';
import { startRouterSync } from '../index.js';
import { masterPid } from '../haproxy/process.js';
import { nginxPaths } from '../nginx/files.js';
import { nginxPid } from '../nginx/process.js';
import { routerPaths } from '../routes/router-paths.js';
import { freePort } from './free-port.js';
import { waitFor } from './wait-for.js';

const user = { kind: 'user', id: 'u1', name: 'ann' } as const;
const worker = { kind: 'process', id: 'deployer', name: 'deployer' } as const;

const inMemory = (): (() => EventLog) => {
  const log = new InMemoryEventLog();
  return () => log;
};

export const NODE = 'node-1';
export const ROUTER = `router-${NODE}`;

/** A home of its own for a proxy, and a port that is free now: tests may run side by side. */
export const testConfig = async (
  router: PlatformConfig['router'] = 'haproxy',
): Promise<PlatformConfig> =>
  readConfig({
    SHIPLOG_ROUTER: router,
    SHIPLOG_HOME: await mkdtemp(join(tmpdir(), 'router-')),
    SHIPLOG_PLATFORM: 'router-test',
    SHIPLOG_ROUTER_PORT: String(await freePort()),
    SHIPLOG_NODE: NODE,
  });

/** Ends the proxy of a home, by its process id, and removes what it left. */
export const removeProxy = async (config: PlatformConfig): Promise<void> => {
  const paths = routerPaths(config, {});
  const pid = await masterPid(paths);
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  // Workers of nginx outlive their master when that is killed.
  const nginx = await nginxPid(nginxPaths(config, {}));
  if (nginx !== undefined) process.kill(nginx, 'SIGTERM');
  await waitFor('the proxy to end', async () => (await masterPid(paths)) === undefined);
  // Its worker notices a little later; the next test may want the port.
  await waitFor('its port to be free', async () => !(await isListening(config.routerPort)));
  await rm(paths.socketDirectory, { recursive: true, force: true });
  await rm(config.home, { recursive: true, force: true });
};

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** A platform in this process: the log in memory, a real proxy, and facts that a deployer would append. */
export const testPlatform = async (
  logOf: (process: ProcessName) => EventLog = inMemory(),
  router: PlatformConfig['router'] = 'haproxy',
  more: Partial<PlatformConfig> = {},
) => {
  const config = { ...(await testConfig(router)), ...more };
  const log = logOf('router-sync');
  const world = new World();
  const feed = new LogFeed(log).add(worldFold(world, 'test'));
  await feed.start();
  const hub = new InMemoryHub();
  const [api, deployer] = (['api', 'deployer'] as const).map(
    (process) => new CommandHandler({ log: logOf(process), world, feed }),
  );
  if (api === undefined || deployer === undefined) throw new Error('no command handlers');
  const logged: string[] = [];
  const logger = createLogger('info', {
    write: (line) => {
      logged.push(line);
      if (process.env['TEST_LOG_LEVEL'] !== undefined) process.stderr.write(line);
    },
  });
  let running: RunningProcess | undefined;

  const instance = async (id: string, command: InstanceCommand): Promise<void> => {
    const result = await deployer.handle('instance', id, command, { actor: worker });
    if (result.outcome !== 'accepted') throw new Error(JSON.stringify(result));
  };

  const install = async (domain: string, stored: StoredCertificate): Promise<string> => {
    const { raw, validFrom, validTo } = new X509Certificate(stored.chain);
    const fingerprint = createHash('sha256').update(raw).digest('hex');
    await platformKeyStore({ ...pathsOf(config.home), ...config }).certificates.save(
      fingerprint,
      stored,
    );
    const [notBefore, notAfter] = [new Date(validFrom), new Date(validTo)].map((time) =>
      time.toISOString(),
    ) as [string, string];
    const facts = { fingerprint, names: [domain], issuer: 'test', notBefore, notAfter };
    const id = createHash('sha256').update(domain).digest('hex');
    const certificate = { ...facts, source: 'own' as const };
    await api.handle(
      'certificate',
      id,
      { type: 'InstallCertificate', domain, certificate },
      { actor: user },
    );
    return fingerprint;
  };

  const platform = {
    config,
    log,
    world,
    feed,
    /** Lines of its own log. */
    logged: logged as readonly string[],
    start: async (): Promise<void> => {
      const bus = new InMemoryBus(hub, 'router-sync');
      running = await startRouterSync(
        processContext({ process: 'router-sync', config, log, feed, world, bus, logger }),
      );
    },
    stop: async (): Promise<void> => {
      await running?.stop();
      running = undefined;
    },
    close: async (): Promise<void> => {
      await platform.stop();
      await feed.stop();
      await removeProxy(config);
    },
    proxyPid: async (): Promise<number | undefined> =>
      router === 'haproxy' ? masterPid(routerPaths(config, {})) : nginxPid(nginxPaths(config, {})),
    app: async (appId: string, command: AppCommand): Promise<void> => {
      const result = await api.handle('app', appId, command, { actor: user });
      if (result.outcome !== 'accepted') throw new Error(JSON.stringify(result));
    },
    /** A certificate of the log, its key in the key store. Its fingerprint. */
    install,
    uninstall: (domain: string) =>
      api.handle(
        'certificate',
        createHash('sha256').update(domain).digest('hex'),
        { type: 'RemoveCertificate', domain },
        { actor: user },
      ),
    https: (appId: string, policy: Partial<HttpsPolicy>) =>
      api.handle('https', appId, { type: 'ChangeHttpsPolicy', appId, ...policy }, { actor: user }),
    /** Fingerprints that the router was seen to serve, by domain. */
    served: (): Readonly<Record<string, string>> => {
      const { state } = world.get('router', ROUTER);
      return state.status === 'active' ? state.certificates : {};
    },
    createApp: async (appId: string, drainSeconds = 5): Promise<void> => {
      await platform.app(appId, { type: 'CreateApp', appId, name: appId, teamId: 'team1' });
      const changes = { drainSeconds };
      await platform.app(appId, { type: 'ChangeSettings', changes, baseVersion: null });
    },
    /** A `web` instance that just became ready. */
    ready: async (
      appId: string,
      instanceId: string,
      instancePort: number,
      protocol?: WebProtocol,
    ): Promise<void> => {
      await platform.scheduled(appId, instanceId, instancePort, { protocol });
      await platform.readyAgain(instanceId);
    },
    /** It runs, but is not ready yet. */
    scheduled: async (
      appId: string,
      instanceId: string,
      instancePort: number,
      { address, protocol = 'http' }: { address?: string; protocol?: WebProtocol } = {},
    ): Promise<void> => {
      await instance(instanceId, {
        type: 'ScheduleInstance',
        protocol,
        ...(address === undefined ? {} : { address }),
        instanceId,
        appId,
        process: 'web',
        version: 1,
        generation: 1,
        nodeId: NODE,
        port: instancePort,
        containerPort: address === undefined ? 8080 : instancePort,
      });
      await platform.started(instanceId, 0);
    },
    started: (instanceId: string, restarts: number) =>
      instance(instanceId, { type: 'RecordStarted', containerId: 'a'.repeat(12), restarts }),
    /** `direct`: it is reached at the address that it was scheduled with. */
    readyAgain: (instanceId: string, reach?: Reach) =>
      instance(instanceId, { type: 'RecordReady', ...(reach === undefined ? {} : { reach }) }),
    unready: (instanceId: string) =>
      instance(instanceId, { type: 'RecordUnready', cause: 'readiness', check: '', got: '' }),
    exited: (instanceId: string) =>
      instance(instanceId, { type: 'RecordExited', exitCode: 1, oomKilled: false, logLines: [] }),
    retire: (instanceId: string, reason: RetireReason = 'superseded') =>
      instance(instanceId, { type: 'RetireInstance', reason }),
    stopped: (instanceId: string) =>
      instance(instanceId, { type: 'RecordStopped', exitCode: 0, killed: false }),
    routeOf: (instanceId: string): RouteState | undefined => {
      const { state } = world.get('router', ROUTER);
      return state.status === 'active' ? state.routes.get(instanceId) : undefined;
    },
    recorded: (instanceId: string, state: 'routed' | 'unrouted' | 'drained') =>
      waitFor(`${instanceId} to be ${state}`, () => platform.routeOf(instanceId) === state),
  };
  return platform;
};

export type TestPlatform = Awaited<ReturnType<typeof testPlatform>>;
