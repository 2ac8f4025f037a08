import 'reflect-metadata';
import { startReadModels, type RunningReadModels } from '@shiplog/read-models';
import {
  ReadinessProbe,
  pathsOf,
  type ProcessContext,
  type RunningProcess,
  type StartProcess,
} from '@shiplog/runtime';
import { Keyring } from '@shiplog/secrets';
import { SourceStore } from '@shiplog/sources';
import { ensureFirstAdministrator } from './auth/first-administrator.js';
import { startPruningSources } from './builds/prune-sources.js';
import { Changes } from './changes/changes.js';
import { startGitService, type GitService } from './git/index.js';
import { Door } from './http/door.js';
import { Metrics } from './platform/metrics.js';
import { Telemetry } from './platform/telemetry.js';
import { startProcessManagers } from './process-managers/index.js';
import { databaseIn, fillBeside, pastBeside } from './read-models/catch-up.js';
import { closeServer, createServer, listen } from './server.js';
import { Terminals } from './terminals/terminals.js';

export { prepareApi } from './read-models/catch-up.js';
export { requirePort } from './server.js';

/** The api: commands and queries over HTTP, git, and what follows from what was asked for. */
export const startApi: StartProcess = async (context) => {
  const { config, log, feed, logger } = context;
  const readModels = await startReadModels({
    database: databaseIn(config),
    log,
    feed,
    logger,
    fill: fillBeside(config),
    past: pastBeside(config),
  });
  try {
    await ensureFirstAdministrator(context);
    const serving = await startServing(context, readModels, await startGitService(context));
    return {
      stop: async () => {
        await serving.stop();
        await readModels.stop();
      },
    };
  } catch (error) {
    await readModels.stop();
    throw error;
  }
};

const startServing = async (
  context: ProcessContext,
  readModels: RunningReadModels,
  git: GitService,
): Promise<RunningProcess> => {
  const { config, log, feed, world, bus, logger, commands } = context;
  const paths = pathsOf(config.home);
  const keyring = new Keyring(paths.keys);
  const readiness = new ReadinessProbe(log, feed);
  const telemetry = new Telemetry(bus);
  const door = new Door({ log, feed, world, readModels, now: Date.now });
  const parts = {
    context,
    door,
    changes: new Changes(commands, feed, world, readiness),
    keyring,
    sources: new SourceStore(paths.sources),
    readModels,
    telemetry,
  };
  const metrics = new Metrics(context, readModels);
  const { app, server } = await createServer(parts, {
    logger,
    metrics,
    readiness,
    git: git.handler,
  });
  const terminals = new Terminals(context, door);
  terminals.attach(server);
  const processManagers = startProcessManagers({
    context,
    forgetApp: async (appId) => {
      await keyring.shred(appId);
      await git.repositories.remove(appId);
    },
  });
  const pruning = startPruningSources(context, parts.sources);
  const stop = async (): Promise<void> => {
    terminals.close();
    telemetry.close();
    await Promise.all([
      git.stop(),
      processManagers.stop(),
      pruning.stop(),
      closeServer(app, server),
    ]);
  };
  try {
    await listen(server, config);
  } catch (error) {
    await stop();
    throw error;
  }
  logger.info({ address: config.bind, port: config.apiPort }, 'api-listening');
  return { stop };
};
