import type { AnyProjection } from '../projection.js';
import { appProjection } from './app.projection.js';
import { buildProjection } from './build.projection.js';
import { deployProjection } from './deploy.projection.js';
import { domainProjection } from './domain.projection.js';
import { garbagePolicyProjection, garbageProjection } from './garbage.projection.js';
import { instanceProjection } from './instance.projection.js';
import { nodeProjection } from './node.projection.js';
import { teamProjection, userProjection } from './people.projection.js';
import { releaseProjection } from './release.projection.js';
import { routerProjection } from './router.projection.js';
import { runProjection } from './run.projection.js';
import { tokenProjection } from './token.projection.js';

/** Every read model, by name: the order of the canonical dump. */
export const PROJECTIONS: readonly AnyProjection[] = [
  appProjection,
  buildProjection,
  deployProjection,
  domainProjection,
  garbageProjection,
  garbagePolicyProjection,
  instanceProjection,
  nodeProjection,
  releaseProjection,
  routerProjection,
  runProjection,
  teamProjection,
  tokenProjection,
  userProjection,
];
