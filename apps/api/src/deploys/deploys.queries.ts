import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { DeployDocument, ReadModels } from '@shiplog/read-models';
import type { z } from 'zod';
import { Problem } from '../http/problem.js';
import type { deploy } from './deploys.routes.js';

type Deploy = z.infer<typeof deploy>;

export class ListDeploys extends Query<Deploy[]> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
    readonly limit: number,
  ) {
    super();
  }
}

@QueryHandler(ListDeploys)
export class ListDeploysHandler implements IQueryHandler<ListDeploys> {
  async execute({ documents, appId, limit }: ListDeploys) {
    return (await documents.deploys({ appId, limit })).map(toDeploy);
  }
}

export class ShowDeploy extends Query<Deploy> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
    readonly deployId: string,
  ) {
    super();
  }
}

@QueryHandler(ShowDeploy)
export class ShowDeployHandler implements IQueryHandler<ShowDeploy> {
  async execute({ documents, appId, deployId }: ShowDeploy) {
    const document = await documents.deploy(deployId);
    if (document?.appId === appId) return toDeploy(document);
    throw new Problem(
      'deploy-not-found',
      `The app has no deploy ${deployId}. \`shiplog deploys list\` shows its deploys.`,
    );
  }
}

const toDeploy = ({
  deployId,
  status,
  version,
  fromVersion,
  ...document
}: DeployDocument): Deploy => ({
  id: deployId,
  state: status,
  release: version,
  fromRelease: fromVersion,
  generation: document.generation,
  cause: document.cause,
  buildId: document.buildId,
  cancelRequested: document.cancelRequested,
  createdAt: document.requestedAt,
  startedAt: document.startedAt,
  finishedAt: document.finishedAt,
  deadline: document.deadline,
  createdBy: document.requestedBy,
  reason: document.reason,
  cancelCause: document.cancelCause,
  explanation: document.explanation,
  strategy: document.strategy,
  step: document.step,
  percent: document.percent,
});
