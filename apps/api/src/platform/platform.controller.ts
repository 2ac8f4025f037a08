import { Controller, Inject, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { ModelName, RunningReadModels } from '@shiplog/read-models';
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
    const { name } = body;
    if (name !== undefined && !isModel(name)) {
      const message = `there is no read model "${name}"; there are: ${Object.keys(MODELS).join(', ')}.`;
      throw new Problem('invalid-body', `body.name: ${message}`, {
        errors: [{ path: 'body.name', message }],
      });
    }
    const { position, events, durationMs } = await this.readModels.rebuild(name);
    const rebuilt = name === undefined ? Object.keys(MODELS) : [name];
    return { body: { rebuilt, events, durationMs: Math.round(durationMs) }, position };
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
    await streamTo(response, options, () => documents.dump());
  }
}

const isModel = (name: string): name is ModelName => Object.hasOwn(MODELS, name);
