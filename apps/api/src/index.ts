import 'reflect-metadata';
import { startReadModels, type RunningReadModels } from '@shiplog/read-models';
import {
  ReadinessProbe,
  faultPoint,
  pathsOf,
  type ProcessContext,
  type RunningProcess,
  type StartProcess,
} from '@shiplog/runtime';
import type { PlatformKeyStore } from '@shiplog/secrets';
import { SourceStore } from '@shiplog/sources';
import { AuditRecorder } from './audit/audit-recorder.js';
import { Persons } from './audit/persons.js';
import { ensureFirstAdministrator } from './auth/first-administrator.js';
import { startPruningSources } from './builds/prune-sources.js';
import { Changes } from './changes/changes.js';
import { startGitService, type GitService } from './git/index.js';
import { startDomainChecks } from './domains/check-domains.js';
import { DnsTxtRecords } from './domains/dns-txt-records.js';
import { Ownership } from './domains/ownership.js';
import { Door } from './http/door.js';
import { Checkpoints } from './integrity/checkpoints.js';
import { startIssuer } from './issuing/issuer.js';
import { openAuthority } from './issuing/open-authority.js';
import { keyStoreOf } from './keys/key-store-of.js';
import { Metrics } from './platform/metrics.js';
import { Telemetry } from './platform/telemetry.js';
import { startProcessManagers } from './process-managers/index.js';
import { databaseIn, fillBeside, pastBeside } from './read-models/catch-up.js';
import { closeServer, createServer, listen } from './server.js';
import { Terminals } from './terminals/terminals.js';

export { verifyInThread, type VerifyJob } from './integrity/verify-aside.js';
export type { VerificationLine } from './integrity/verify.js';
export { prepareApi } from './read-models/catch-up.js';
export { requirePort } from './server.js';

/** The api: commands and queries over HTTP, git, and what follows from what was asked for. */
export const startApi: StartProcess = async (context) => {
  const { config, log, feed, logger } = context;
  const keys = keyStoreOf(config);
  await keys.store.open();
  // Before anything is folded or answered: is this the log that was sworn to?
  const checkpoints = await Checkpoints.open(context);
  const readModels = await startReadModels({
    database: databaseIn(config),
    log,
    feed,
    logger,
    fill: fillBeside(config),
    past: pastBeside(config),
    fault: (point) => faultPoint(`api/${point}`),
  }).catch(async (error: unknown) => {
    await checkpoints.stop();
    throw error;
  });
  try {
    await ensureFirstAdministrator(context);
    const persons = new Persons({ keyring: keys.people, world: context.world, logger });
    const audit = new AuditRecorder({ context, persons });
    const git = await startGitService(context, { persons, audit });
    const parts = { keys, readModels, git, persons, audit, checkpoints };
    const serving = await startServing(context, parts);
    checkpoints.start();
    return {
      stop: async () => {
        await serving.stop();
        await audit.stop();
        await checkpoints.stop();
        await readModels.stop();
      },
    };
  } catch (error) {
    await checkpoints.stop();
    await readModels.stop();
    throw error;
  }
};

interface ServingParts {
  readonly keys: PlatformKeyStore;
  readonly readModels: RunningReadModels;
  readonly git: GitService;
  readonly persons: Persons;
  readonly audit: AuditRecorder;
  readonly checkpoints: Checkpoints;
}

const startServing = async (
  context: ProcessContext,
  { keys, readModels, git, persons, audit, checkpoints }: ServingParts,
): Promise<RunningProcess> => {
  const { config, log, feed, world, bus, logger, commands } = context;
  const paths = pathsOf(config.home);
  const readiness = new ReadinessProbe(log, feed);
  const telemetry = new Telemetry(bus);
  const records = new DnsTxtRecords(config.domainChecks.dnsServer);
  const ownership = await Ownership.open(paths.domainKey, records);
  const door = new Door({ log, feed, world, readModels, persons, now: Date.now });
  const parts = {
    context,
    door,
    ownership,
    changes: new Changes(commands, feed, world, readiness),
    keys,
    audit,
    persons,
    checkpoints,
    sources: new SourceStore(paths.sources),
    readModels,
    telemetry,
  };
  const metrics = new Metrics(context, readModels);
  const authority =
    config.acme === undefined
      ? undefined
      : await openAuthority({ acme: config.acme, certificates: keys.certificates });
  const { app, server } = await createServer(parts, {
    config,
    answerTo: authority && ((token) => authority.answerTo(token)),
    logger,
    metrics,
    readiness,
    git: git.handler,
  });
  const terminals = new Terminals(context, door, audit);
  terminals.attach(server);
  const processManagers = startProcessManagers({
    context,
    keptApps: async () => [...(await keys.apps.ids()), ...(await git.repositories.ids())],
    forgetApp: async (appId) => {
      await keys.apps.shred(appId);
      await git.repositories.remove(appId);
    },
    rotateMasterKey: (keyId) => keys.store.rotate(keyId),
    forgetPerson: (userId, erasures) => persons.erase(userId, erasures),
  });
  const issuer = authority && startIssuer({ context, authority, certificates: keys.certificates });
  const pruning = startPruningSources(context, parts.sources);
  const domainChecks = startDomainChecks({ context, ownership, now: () => new Date() });
  const stop = async (): Promise<void> => {
    terminals.close();
    telemetry.close();
    await Promise.all([
      git.stop(),
      processManagers.stop(),
      pruning.stop(),
      issuer?.stop(),
      domainChecks.stop(),
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
