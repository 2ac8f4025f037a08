import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { limitsOf } from '@shiplog/domain';
import type { InstanceDocument, NodeDocument, ReadModels } from '@shiplog/read-models';
import type { z } from 'zod';
import { appDocument } from '../apps/apps.queries.js';
import { READ_MODELS, TELEMETRY } from '../injection.js';
import type { RunningReadModels } from '@shiplog/read-models';
import type { Sample, Telemetry } from '../platform/telemetry.js';
import type { instance } from './instances.routes.js';

type Instance = z.infer<typeof instance>;

export class ListInstances extends Query<Instance[]> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
  ) {
    super();
  }
}

const INSTANCES_MAX = 1_000;

@QueryHandler(ListInstances)
export class ListInstancesHandler implements IQueryHandler<ListInstances> {
  constructor(
    @Inject(TELEMETRY) private readonly telemetry: Telemetry,
    @Inject(READ_MODELS) private readonly readModels: Pick<RunningReadModels, 'queries'>,
  ) {}

  async execute({ documents, appId }: ListInstances) {
    const [app, instances, nodes] = await Promise.all([
      appDocument(documents, appId),
      documents.instances({ appId, limit: INSTANCES_MAX }),
      documents.nodes(),
    ]);
    const hosts = new Map(nodes.map((node: NodeDocument) => [node.nodeId, node.hostname]));
    // Telemetry is about now: into a view of the past it would bring today.
    const isNow = documents === this.readModels.queries;
    const sampleOf = (id: string) => (isNow ? this.telemetry.sampleOf(id) : undefined);
    return instances
      .toSorted((a, b) => compare(a.process, b.process) || compare(a.scheduledAt, b.scheduledAt))
      .map((one) => {
        const host = hosts.get(one.nodeId) ?? one.nodeId;
        const { memoryBytes: memoryLimitBytes } = one.limits ?? limitsOf(app, one.process);
        const isAsked = isNow && (one.state === 'starting' || one.state === 'unready');
        const lastAnswer = (isAsked ? this.telemetry.answerOf(one.id) : undefined) ?? null;
        return toInstance(one, sampleOf(one.id), { host, memoryLimitBytes, lastAnswer });
      });
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

type Usage = Pick<Instance, 'cpu' | 'memoryBytes' | 'pids' | 'rxBytes' | 'txBytes'>;
const UNKNOWN: Usage = { cpu: null, memoryBytes: null, pids: null, rxBytes: null, txBytes: null };

const usageOf = (sample: Sample | undefined): Usage => {
  if (sample === undefined) return UNKNOWN;
  const { instanceId: _instanceId, ...usage } = sample;
  return usage;
};

/** In the order in which a person reads them: what runs, where, how it does, and then the rest. */
const toInstance = (
  one: InstanceDocument,
  sample: Sample | undefined,
  { host, ...known }: Pick<Instance, 'host' | 'memoryLimitBytes' | 'lastAnswer'>,
): Instance => {
  const { id, process, version: release, state, port, address, containerId, restarts } = one;
  const { cpu, memoryBytes, ...more } = usageOf(sample);
  const { startedAt, readyAt, unready, retireReason } = one;
  const lastExit = one.exits.at(-1);
  const routes = Object.values(one.routes);
  return {
    ...{ id, process, release, state, host, port, address, containerId },
    ...{ cpu, memoryBytes, restarts, startedAt, readyAt },
    routed: routes.length > 0 && routes.every((route) => route === 'routed'),
    ...more,
    ...known,
    resizeRefused: one.resizeRefused,
    exitCode: lastExit?.exitCode ?? null,
    oomKilled: lastExit?.oomKilled ?? false,
    retireReason,
    unready,
  };
};
