import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requirePort } from '@shiplog/api';
import { ensureNatsServer, provision } from '@shiplog/provisioner';
import {
  claimHome,
  ConfigError,
  createLogger,
  describeError,
  pathsOf,
  readConfig,
  urlOf,
  type Claim,
  type Logger,
  type PlatformConfig,
} from '@shiplog/runtime';
import { banner } from './banner.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { ownHome } from './own-home.js';
import { readReady, removeReady, writeReady, type Ready } from './ready-file.js';
import { deploySample } from './sample.js';
import { RotatingFile } from './rotating-file.js';
import { superviseNatsServer } from './supervise.js';

/** Shows what runs while it runs; `scripts/lib/progress.cjs` draws it. */
export type Step = <T>(title: string, work: () => Promise<T>) => Promise<T>;

export interface StandaloneOptions {
  /** Deploy the sample if this platform never had an app. */
  readonly sample: boolean;
  /** When the person pressed return, in milliseconds since the epoch. */
  readonly startedAt: number;
  readonly step: Step;
}

const ECHO_MS = 300;
const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));

/** The whole platform in one process, in the foreground until Ctrl-C. */
export const runStandalone = async (options: StandaloneOptions): Promise<void> => {
  const config = readConfig(process.env);
  await run(config, options).catch((error: unknown) => {
    throw isDiskFull(error) ? diskFull(config.home, error) : error;
  });
};

const isDiskFull = (error: unknown): boolean =>
  error instanceof Error &&
  (('code' in error && error.code === 'ENOSPC') ||
    /no space left on device|disk is full/i.test(error.message) ||
    isDiskFull(error.cause));

const diskFull = (home: string, cause: unknown): Error =>
  new ConfigError(
    `the disk of ${home} is full. Free space there and start again; nothing is lost, and apps that run go on.`,
    { cause },
  );

const run = async (config: PlatformConfig, options: StandaloneOptions): Promise<void> => {
  const paths = pathsOf(config.home);
  refuseHomeInCheckout(config.home);
  await makeHome(config.home, paths.logs);
  refuseHalfRestored(config.home, paths.restoring);
  const claim = await claimOrRefuse(config, paths.ready);
  await ownHome(config);
  await removeReady(paths.ready);
  await requirePort(config);

  const logger = openLog(config);
  const stopSignal = nextStopSignal();
  const nats = await options.step('start the log (nats-server)', async () => {
    const server = await ensureNatsServer(config);
    await provision(config);
    return server;
  });
  const plane = await options.step('start the control plane', () =>
    startControlPlane(config, logger).catch(async (error: unknown) => {
      // Nothing of ours goes on after a start that failed; what ran before it does.
      if (nats.how === 'started') await nats.stop();
      throw error;
    }),
  );
  const supervision = superviseNatsServer(config, nats, logger);

  const ready = readyOf(config, await versionOf());
  await writeReady(paths.ready, ready);
  const sampleUrl = await maybeSample(options, config, plane, ready);
  const seconds = ((Date.now() - options.startedAt) / 1000).toFixed(1);
  process.stdout.write(
    banner({
      ready,
      home: config.home,
      checkout: resolve(CHECKOUT),
      isHomeChosen: process.env['SHIPLOG_HOME'] !== undefined,
      seconds,
      sampleUrl,
    }),
  );

  const reason = await Promise.race([stopSignal, plane.ended]);
  await removeReady(paths.ready);
  supervision.stop();
  process.stderr.write('\n  Stopping the control plane; apps and their routing go on.\n');
  await plane.stop();
  await claim.release();
  logger.flush();
  if (reason instanceof Error) throw new EndedError(paths.logs, reason);
  process.exit(0);
};

/** It ran, and then could not go on. */
class EndedError extends Error {
  readonly code = 'ended';
  constructor(logs: string, cause: Error) {
    super(
      `Shiplog stopped: it cannot follow the log any more (${describeError(cause)}).\n` +
        `Apps and their routing go on. Start it again with npm start; more is in ${logs}/shiplog.log.`,
      { cause },
    );
  }
}

const makeHome = async (home: string, logs: string): Promise<void> => {
  try {
    await mkdir(logs, { recursive: true, mode: 0o700 });
  } catch (cause) {
    if (isDiskFull(cause)) throw cause;
    throw new ConfigError(
      `SHIPLOG_HOME=${home} cannot be a folder of this user (${describeError(cause)}); choose another one`,
      { cause },
    );
  }
};

const refuseHalfRestored = (home: string, restoring: string): void => {
  if (!existsSync(restoring)) return;
  throw new ConfigError(
    `${home} was being restored from a backup, and that was cut off: run the same \`shiplog backup restore\` again, it begins anew`,
  );
};

const refuseHomeInCheckout = (home: string): void => {
  if (!`${resolve(home)}${sep}`.startsWith(resolve(CHECKOUT) + sep)) return;
  throw new ConfigError(
    `SHIPLOG_HOME=${home} lies inside the checkout, where a clean or a pull may delete it; choose a folder outside`,
  );
};

const claimOrRefuse = async (config: PlatformConfig, readyFile: string): Promise<Claim> => {
  const claim = await claimHome(config.home);
  if ('release' in claim) return claim;
  const ready = await readReady(readyFile);
  const where = ready?.pid === claim.takenBy ? ready.api : 'not ready yet';
  throw new ConfigError(
    `the platform of ${config.home} runs already (process ${claim.takenBy}, ${where}).\n` +
      'Stop it with Ctrl-C or ./shiplog down, or start another one with its own SHIPLOG_HOME,\n' +
      'SHIPLOG_PLATFORM, SHIPLOG_API_PORT, SHIPLOG_ROUTER_PORT and SHIPLOG_NATS_PORT.',
  );
};

/** The log file of the control plane: the terminal is for people. */
const openLog = (config: PlatformConfig): Logger =>
  createLogger(config.logLevel, new RotatingFile(join(pathsOf(config.home).logs, 'shiplog.log')));

const nextStopSignal = (): Promise<'stop'> =>
  new Promise((done) => {
    let askedAt: number | undefined;
    const ask = (): void => {
      // One Ctrl-C may arrive twice, from the terminal and from npm.
      const isEcho = askedAt !== undefined && performance.now() - askedAt < ECHO_MS;
      // A second one does not wait: everything that matters is in the log already.
      if (askedAt !== undefined && !isEcho) process.exit(1);
      askedAt ??= performance.now();
      done('stop');
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask);
  });

const readyOf = (config: PlatformConfig, version: string): Ready => {
  const host = config.bind === '0.0.0.0' ? '127.0.0.1' : config.bind;
  const api = `http://${host}:${config.apiPort}`;
  const isPublic = config.acme !== undefined;
  const outside = urlOf(config.domain, config, isPublic);
  return {
    api,
    console: isPublic ? outside : api,
    router: outside,
    git: `${isPublic ? outside : api}/git`,
    pid: process.pid,
    version,
  };
};

const versionOf = async (): Promise<string> => {
  const text = await readFile(join(CHECKOUT, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
};

/** On the first start only: a platform that ever had an app is somebody's. */
const maybeSample = async (
  options: StandaloneOptions,
  config: PlatformConfig,
  plane: ControlPlane,
  ready: Ready,
): Promise<string | undefined> => {
  if (!options.sample) return undefined;
  const { world } = plane.context;
  const ever = world.apps().length + world.destroyedApps.count;
  const hello = world.appByName('hello');
  const isUnfinished = ever === 1 && hello !== undefined && Object.keys(hello.builds).length === 0;
  if (ever > 0 && !isUnfinished) return undefined;
  const { credentials } = pathsOf(config.home);
  if (!existsSync(credentials)) return undefined;
  const { token } = JSON.parse(await readFile(credentials, 'utf8')) as { token: string };

  process.stderr.write('\n  Deploying the sample app, by a git push as you would:\n\n');
  try {
    // From this machine: there may be no certificate yet.
    await deploySample({ apiUrl: ready.api, gitUrl: `${ready.api}/git`, token });
    return `${urlOf(`hello.${config.domain}`, config, config.acme !== undefined)}/`;
  } catch (error) {
    // The platform is up; a failed sample is told, with its reason above, and does not end it.
    process.stderr.write(`\n  The sample was not deployed: ${String((error as Error).message)}\n`);
    return undefined;
  }
};
