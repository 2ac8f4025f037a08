import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { LIMITS, limitsOf } from '@shiplog/domain';
import type { ReadModels } from '@shiplog/read-models';
import type { z } from 'zod';
import { appDocument } from '../apps/apps.queries.js';
import type { processLimits } from './limits.routes.js';

type ProcessLimits = z.infer<typeof processLimits>;

const INSTANCES_MAX = 1_000;

export class ListLimits extends Query<ProcessLimits[]> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
  ) {
    super();
  }
}

@QueryHandler(ListLimits)
export class ListLimitsHandler implements IQueryHandler<ListLimits> {
  async execute({ documents, appId }: ListLimits): Promise<ProcessLimits[]> {
    const [app, instances] = await Promise.all([
      appDocument(documents, appId),
      documents.instances({ appId, limit: INSTANCES_MAX }),
    ]);
    const processes = new Set([...Object.keys(app.formation), ...Object.keys(app.ownLimits)]);
    return [...processes].toSorted().map((process) => {
      const own = app.ownLimits[process] ?? {};
      return {
        process,
        ...limitsOf(app, process),
        own: LIMITS.filter((field) => own[field] !== undefined),
        refused: instances.flatMap((one) => {
          const isOpen = one.state !== 'stopped' && one.state !== 'retired';
          return isOpen && one.process === process && one.resizeRefused !== null
            ? { instance: one.id, summary: one.resizeRefused }
            : [];
        }),
      };
    });
  }
}
