import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { BuildDocument, ReadModels } from '@shiplog/read-models';
import type { z } from 'zod';
import { problemOf } from '../http/rejection-problem.js';
import type { build } from './builds.routes.js';

type Build = z.infer<typeof build>;

export class ListBuilds extends Query<Build[]> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
    readonly limit: number,
  ) {
    super();
  }
}

@QueryHandler(ListBuilds)
export class ListBuildsHandler implements IQueryHandler<ListBuilds> {
  async execute({ documents, appId, limit }: ListBuilds) {
    return (await documents.builds({ appId, limit })).map(toBuild);
  }
}

export class ShowBuild extends Query<Build> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
    readonly buildId: string,
  ) {
    super();
  }
}

@QueryHandler(ShowBuild)
export class ShowBuildHandler implements IQueryHandler<ShowBuild> {
  async execute({ documents, appId, buildId }: ShowBuild) {
    const document = await documents.build(buildId);
    // Another app's build is as good as none: its id tells nothing.
    if (document?.appId !== appId) throw problemOf({ code: 'build-not-found', buildId });
    return toBuild(document);
  }
}

const NO_SOURCE = { digest: null, via: null, commit: null, branch: null, ref: null };

const toBuild = (document: BuildDocument): Build => ({
  id: document.buildId,
  state: document.status,
  source: { ...NO_SOURCE, ...document.source },
  cancelRequested: document.cancelRequested,
  image: document.image?.ref ?? null,
  release: document.version,
  createdAt: document.requestedAt,
  createdBy: document.requestedBy,
  reason: document.reason,
  startedAt: document.startedAt,
  finishedAt: document.finishedAt,
  durationMs: document.durationMs,
  stack: document.stack,
  processes: document.processes === null ? null : Object.keys(document.processes).toSorted(),
  explanation: document.explanation,
});
