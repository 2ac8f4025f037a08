import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { BusError } from '@shiplog/bus';
import { rolloutIdOf } from '@shiplog/domain';
import type { ReadModels, ReleaseDocument } from '@shiplog/read-models';
import type { ProcessContext } from '@shiplog/runtime';
import type { z } from 'zod';
import { problemOf } from '../http/rejection-problem.js';
import { CONTEXT } from '../injection.js';
import { releaseDetails, type release } from './releases.routes.js';

const layersAnswer = releaseDetails.pick({ layers: true });

type Release = z.infer<typeof release>;
type ReleaseDetails = z.infer<typeof releaseDetails>;
type Layers = ReleaseDetails['layers'];

/** Who asks for a release waits for its layers no longer than this. */
const LAYERS_MS = 1500;

export class ListReleases extends Query<Release[]> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
    readonly limit: number,
  ) {
    super();
  }
}

@QueryHandler(ListReleases)
export class ListReleasesHandler implements IQueryHandler<ListReleases> {
  async execute({ documents, appId, limit }: ListReleases) {
    return (await documents.releases({ appId, limit })).map(toRelease);
  }
}

export class ShowRelease extends Query<ReleaseDetails> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
    readonly version: number,
  ) {
    super();
  }
}

@QueryHandler(ShowRelease)
export class ShowReleaseHandler implements IQueryHandler<ShowRelease> {
  constructor(@Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world' | 'bus'>) {}

  async execute({ documents, appId, version }: ShowRelease) {
    const document = await documents.release(appId, version);
    if (document !== undefined) {
      return { ...toRelease(document), layers: await this.layersOf(document.image.id) };
    }
    const kept = this.api.world.app(appId)?.releases.map((one) => one.version) ?? [];
    throw problemOf({ code: 'release-not-found', version, kept });
  }

  /** The engine knows them; without it a release is shown all the same. */
  private async layersOf(imageId: string): Promise<Layers> {
    const options = { timeoutMs: LAYERS_MS };
    try {
      const answer = await this.api.bus.request('deployer', 'image-layers', { imageId }, options);
      return layersAnswer.parse(answer).layers;
    } catch (error) {
      if (error instanceof BusError) return null;
      throw error;
    }
  }
}

const toRelease = (document: ReleaseDocument): Release => ({
  version: document.version,
  image: document.image.ref,
  imageId: document.image.id,
  imageBytes: document.image.sizeBytes,
  buildId: document.buildId,
  commit: document.commit,
  branch: document.branch,
  promotedFrom: document.promotedFrom,
  createdAt: document.createdAt,
  createdBy: document.createdBy,
  reason: document.reason,
  cause: document.cause,
  rollbackOf: document.rollbackOf,
  state: document.state,
  liveAt: document.liveAt,
  deployId: rolloutIdOf(document.appId, document.generation),
  processes: Object.keys(document.processes).toSorted(),
  configChanges: {
    set: [...document.configChanges.set],
    unset: [...document.configChanges.unset],
  },
  explanation: document.explanation,
});
