import * as apps from '../apps/apps.routes.js';
import * as audit from '../audit/audit.routes.js';
import * as backups from '../backups/backups.routes.js';
import * as basicAuth from '../basic-auth/basic-auth.routes.js';
import * as builds from '../builds/builds.routes.js';
import * as certificates from '../certificates/certificates.routes.js';
import * as config from '../config/config.routes.js';
import * as cron from '../cron/cron.routes.js';
import * as deploys from '../deploys/deploys.routes.js';
import * as progress from '../deploys/progress.routes.js';
import * as domains from '../domains/domains.routes.js';
import * as events from '../events/events.routes.js';
import * as gates from '../gates/gates.routes.js';
import * as maintenance from '../maintenance/maintenance.routes.js';
import * as instances from '../instances/instances.routes.js';
import * as integrity from '../integrity/integrity.routes.js';
import * as keys from '../keys/keys.routes.js';
import * as limits from '../limits/limits.routes.js';
import * as garbage from '../platform/garbage.routes.js';
import * as platform from '../platform/platform.routes.js';
import * as ports from '../ports/ports.routes.js';
import * as replay from '../replay/replay.routes.js';
import * as releases from '../releases/releases.routes.js';
import * as runs from '../runs/runs.routes.js';
import * as tokens from '../tokens/tokens.routes.js';
import * as traffic from '../traffic/traffic.routes.js';
import * as undo from '../undo/undo.routes.js';
import * as volumes from '../volumes/volumes.routes.js';
import * as why from '../why/why.routes.js';
import type { AnyRoute } from './route.js';

const isRoute = (value: unknown): value is AnyRoute =>
  typeof value === 'object' && value !== null && 'method' in value && 'path' in value;

/** Every operation of the API: what the document describes and what unknown addresses are held against. */
export const ROUTES: readonly AnyRoute[] = [
  apps,
  config,
  builds,
  deploys,
  progress,
  releases,
  instances,
  limits,
  runs,
  cron,
  volumes,
  gates,
  maintenance,
  domains,
  ports,
  certificates,
  traffic,
  basicAuth,
  tokens,
  events,
  audit,
  why,
  integrity,
  platform,
  garbage,
  keys,
  replay,
  undo,
  backups,
].flatMap((noun) => Object.values(noun).filter(isRoute));
