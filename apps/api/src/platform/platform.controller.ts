import { Controller, Inject, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type {
  ModelDifference,
  ModelName,
  ParkedModel,
  RebuildOptions,
  RebuildStatus,
  RunningReadModels,
} from '@shiplog/read-models';
import type { ProcessContext } from '@shiplog/runtime';
import type { Response } from 'express';
import type { Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { streamTo } from '../http/line-stream.js';
import { Problem } from '../http/problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT, READ_MODELS } from '../injection.js';
import { VERSION } from '../version.js';
import { Diagnose } from './doctor.query.js';
import * as routes from './platform.routes.js';

/** A record, so that the compiler finds a model that is missing here. */
const MODELS: Readonly<Record<ModelName, true>> = {
  apps: true,
  releases: true,
  builds: true,
  deploys: true,
  instances: true,
  domains: true,
  tokens: true,
  users: true,
  teams: true,
  nodes: true,
  routers: true,
  runs: true,
  garbage: true,
  'garbage-policies': true,
};

@Controller()
export class PlatformController {
  constructor(
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
    @Inject(READ_MODELS) private readonly readModels: RunningReadModels,
  ) {}

  @Handles(routes.whoami)
  whoami(@Admission() { caller }: Admitted<typeof routes.whoami>): Reply<typeof routes.whoami> {
    const { world, config } = this.api;
    const teams = caller.teamIds.flatMap((id) => {
      const { state } = world.get('team', id);
      return state.status === 'active' ? [{ id, name: state.name }] : [];
    });
    const { tokenId, name, expiresAt } = caller.token;
    const body = {
      user: caller.name,
      userId: caller.userId,
      administrator: caller.administrator,
      teams,
      token: { id: tokenId, name, expiresAt },
      platform: config.platform,
      domain: config.domain,
      version: VERSION,
    };
    return Promise.resolve({ body, position: world.position });
  }

  @Handles(routes.listNodes)
  async nodes(
    @Admission() { documents }: Admitted<typeof routes.listNodes>,
  ): Reply<typeof routes.listNodes> {
    const [nodes, instances] = await Promise.all([
      documents.nodes({ limit: 1_000 }),
      documents.instances({ limit: 1_000 }),
    ]);
    const body = nodes
      .map(({ nodeId, firstSeenAt: _firstSeenAt, ...node }) => ({
        id: nodeId,
        ...node,
        instances: instances.filter((one) => one.nodeId === nodeId).length,
      }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
    return { body, position: await documents.position() };
  }

  @Handles(routes.doctor)
  async doctor(
    @Admission() { caller }: Admitted<typeof routes.doctor>,
  ): Reply<typeof routes.doctor> {
    const body = await this.queries.execute(new Diagnose(caller));
    return { body, position: this.api.world.position };
  }

  @Handles(routes.rebuild)
  async rebuild(
    @Admission() { body }: Admitted<typeof routes.rebuild>,
  ): Reply<typeof routes.rebuild> {
    const { models, position, ...result } = await this.readModels.rebuild(
      modelIn(body),
      optionsIn(body),
    );
    const { events, durationMs, differences, parked } = result;
    const shown = {
      differences: differences.map(shownDifference),
      parked: parked.map(shownParked),
    };
    return { body: { rebuilt: [...models], events, durationMs, ...shown }, position };
  }

  @Handles(routes.startRebuild)
  async startRebuild(
    @Admission() { body }: Admitted<typeof routes.startRebuild>,
  ): Reply<typeof routes.startRebuild> {
    return this.shown(await this.readModels.startRebuild(modelIn(body), optionsIn(body)));
  }

  @Handles(routes.showRebuild)
  async showRebuild(): Reply<typeof routes.showRebuild> {
    return this.shown(await this.readModels.rebuildStatus());
  }

  @Handles(routes.cancelRebuild)
  async cancelRebuild(): Reply<typeof routes.cancelRebuild> {
    return this.shown(await this.readModels.cancelRebuild());
  }

  private shown({ models, differences, parked, ...status }: RebuildStatus) {
    const body = {
      ...status,
      models: [...models],
      differences: differences.map(shownDifference),
      parked: parked.map(shownParked),
    };
    return { body, position: this.readModels.checkpoint().position };
  }

  @Handles(routes.dump)
  async dump(
    @Admission() { documents }: Admitted<typeof routes.dump>,
    @Res() response: Response,
  ): Promise<void> {
    const options = {
      contentType: 'application/x-ndjson; charset=utf-8',
      // Nothing may stand between the lines: the bytes are what is compared.
      heartbeat: '',
      mayGoOn: () => true,
    };
    // What has to be refused is refused before the first byte.
    const lines = await begun(documents.dump());
    await streamTo(response, options, () => lines);
  }
}

/** The same lines, with the first one at hand. */
const begun = async (lines: AsyncIterable<string>): Promise<AsyncIterable<string>> => {
  const iterator = lines[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    if (first.done === true) return;
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
};

const shownDifference = ({ keys, ...difference }: ModelDifference) => ({
  ...difference,
  keys: [...keys],
});
const shownParked = ({ position: _position, ...parked }: ParkedModel) => parked;

interface RebuildBody {
  readonly name?: string | undefined;
  readonly force?: boolean | undefined;
}
const optionsIn = ({ force }: RebuildBody): RebuildOptions => ({ force: force === true });
const modelIn = ({ name }: RebuildBody): ModelName | undefined => {
  if (name === undefined || isModel(name)) return name;
  const message = `there is no read model "${name}"; there are: ${Object.keys(MODELS).join(', ')}.`;
  throw new Problem('invalid-body', `body.name: ${message}`, {
    errors: [{ path: 'body.name', message }],
  });
};

const isModel = (name: string): name is ModelName => Object.hasOwn(MODELS, name);
