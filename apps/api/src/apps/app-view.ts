import type { AppDocument } from '@shiplog/read-models';
import type { PlatformConfig } from '@shiplog/runtime';
import type { z } from 'zod';
import { portsShown } from '../ports/ports-shown.js';
import { gitUrlOf, urlOfApp } from './addresses.js';
import type { appDetails, appSummary } from './apps.routes.js';

type AppSummary = z.infer<typeof appSummary>;

/** The document as the API shows it. `problem`: what keeps its release from being started. */
export const toAppSummary = (
  app: AppDocument,
  problem: string | null,
  config: PlatformConfig,
): AppSummary => ({
  id: app.appId,
  name: app.name,
  teamId: app.teamId,
  url: servesWeb(app) ? urlOfApp(app.name, config) : null,
  state: stateOf(app, problem),
  release: app.liveVersion,
  problem,
  createdAt: app.createdAt,
  createdBy: app.createdBy,
});

export const toAppDetails = (
  app: AppDocument,
  problem: string | null,
  config: PlatformConfig,
  origin: string,
): Omit<z.infer<typeof appDetails>, 'gate'> => ({
  ...toAppSummary(app, problem, config),
  revision: app.revision,
  gitUrl: gitUrlOf(app.name, origin),
  domains: [...app.domains],
  ports: portsShown(app),
  formation: app.formation,
  settings: app.settings,
  newestRelease: app.lastVersion === 0 ? null : app.lastVersion,
  targetRelease: app.targetVersion,
  updatedAt: app.updatedAt,
  updatedBy: app.updatedBy,
});

/** Before the first release nobody knows yet; the address is the one it will have. */
const servesWeb = (app: AppDocument): boolean => app.lastVersion === 0 || 'web' in app.formation;

const stateOf = (app: AppDocument, problem: string | null): AppSummary['state'] => {
  if (app.status === 'destroyed') return 'destroyed';
  if (app.stopped) return 'stopped';
  if (app.lastVersion === 0) return 'new';
  if (app.targetVersion !== null) return 'deploying';
  return app.liveGeneration === app.generation && problem === null ? 'live' : 'failing';
};
