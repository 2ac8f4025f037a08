import { pause, type ShiplogClient } from '@shiplog/api-client';
import { defineCommand, type Invocation } from '../command.js';
import { findCompanions, type Companion } from '../connection/companions.js';
import { isShiplogAlive, readLocalPlatform } from '../connection/local-platform.js';
import { openClient } from '../connection/open-client.js';
import { CliError, EXIT } from '../exit-code.js';
import { followProgress } from '../progress/follow-progress.js';
import { withNotice } from '../progress/progress-view.js';

interface DownOptions {
  readonly apps?: boolean;
}

export const down = defineCommand<DownOptions>({
  name: 'down',
  summary: 'stop the control plane of this machine',
  details:
    'Apps and their routing go on; the next `npm start` takes them over. With --apps all apps are stopped ' +
    'first (and stay stopped until `shiplog start`), then also the proxy and the server of the log.',
  examples: [
    ['down', 'apps keep serving'],
    ['down --apps', 'apps stop, too'],
  ],
  options: [{ flags: '--apps', help: 'stop all apps, the proxy and the server of the log, too' }],
  takes: ['reason'],
  run: async (invocation) => {
    const { io, out, options } = invocation;
    const { home, ready, isAlive, token } = await readLocalPlatform(io);
    if (ready === undefined || !isAlive) {
      if (options.apps === true) refuseHalfOf(home, await findCompanions(home));
      out.json({ stopped: false, apps: [] });
      out.line(`Nothing to stop: the control plane of ${home} is not running.`);
      return;
    }
    const stopped = options.apps === true ? await stopApps(invocation, ready.api, token) : [];
    stopProcess(ready.pid);
    await withNotice({ io, out }, 'stopping', waitForEnd(ready.pid, io.signal));
    if (options.apps === true) {
      for (const { pid } of await findCompanions(home)) stopProcess(pid);
    }
    out.json({ stopped: true, pid: ready.pid, apps: stopped });
    out.line(
      options.apps === true
        ? `Stopped ${stopped.length} ${stopped.length === 1 ? 'app' : 'apps'}, the control plane and its proxy. After the next start: shiplog start -a APP`
        : 'Stopped the control plane. Apps and their routing go on; `npm start` takes them over.',
    );
  },
});

/** Whatever is left of a platform that was killed: its apps run on, and only a control plane can stop them. */
const refuseHalfOf = (home: string, companions: readonly Companion[]): void => {
  if (companions.length === 0) return;
  const left = companions.map(({ program, pid }) => `${program} (process ${pid})`).join(' and ');
  throw new CliError(
    EXIT.unreachable,
    'unreachable',
    `the control plane of ${home} is not running and cannot stop apps; ${left} of it ${companions.length === 1 ? 'goes' : 'go'} on`,
    { remedy: 'Start it with `npm start`, then: shiplog down --apps' },
  );
};

/** Down is local: the apps are those of the platform on this machine, whatever context is in use. */
const stopApps = async (
  invocation: Invocation,
  url: string,
  token: string | undefined,
): Promise<string[]> => {
  if (token === undefined) {
    throw new CliError(
      EXIT.refused,
      'unauthenticated',
      'the credentials of this platform are not yours to read',
      {
        remedy: 'Run it as the user that started the platform, or without --apps.',
      },
    );
  }
  const { io, change } = invocation;
  const client = await openClient(io, { url, token });
  const local: Invocation = { ...invocation, client: () => Promise.resolve(client) };
  const running = (await client.apps.list({})).filter(
    ({ state }) => state !== 'stopped' && state !== 'new',
  );
  await Promise.all(running.map(({ id }) => stopApp(local, client, id, change)));
  return running.map(({ name }) => name);
};

const stopApp = async (
  local: Invocation,
  client: ShiplogClient,
  app: string,
  change: Invocation['change'],
): Promise<void> => {
  const { sequence } = await client.apps.stop(app, change);
  await followProgress(local, app, { settled: sequence });
};

const stopProcess = (pid: number): void => {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (cause) {
    // It has ended by itself meanwhile: the worker of a proxy goes with its master.
    if (cause instanceof Error && 'code' in cause && cause.code === 'ESRCH') return;
    throw new CliError(
      EXIT.refused,
      'not-permitted',
      `process ${pid} cannot be stopped by this user`,
      {
        cause,
        remedy: 'Run it as the user that started the platform.',
      },
    );
  }
};

const WAIT_MS = 60_000;
const LOOK_MS = 100;

const waitForEnd = async (pid: number, signal: AbortSignal): Promise<void> => {
  const deadline = performance.now() + WAIT_MS;
  while (await isShiplogAlive(pid)) {
    if (performance.now() > deadline) {
      throw new CliError(
        EXIT.unknown,
        'outcome-unknown',
        `process ${pid} was asked to stop and still runs after 60 s`,
        {
          remedy: `Look at it: ps -p ${pid}. Nothing is lost when it is killed: kill -9 ${pid}`,
        },
      );
    }
    await pause(LOOK_MS, signal);
  }
};
