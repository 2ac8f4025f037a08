import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { AppDocument, ReadModels } from '@shiplog/read-models';
import type { ProcessContext } from '@shiplog/runtime';
import type { z } from 'zod';
import { belongsTo, type Caller } from '../auth/caller.js';
import { freezesAsOf, momentOf, toGate } from '../gates/gate-view.js';
import { Problem } from '../http/problem.js';
import { CONTEXT } from '../injection.js';
import { toAppDetails, toAppSummary } from './app-view.js';
import type { appDetails, appSummary } from './apps.routes.js';

/** More apps than one machine can run. */
const APPS_MAX = 1_000;

export class ListApps extends Query<z.infer<typeof appSummary>[]> {
  constructor(
    readonly documents: ReadModels,
    readonly caller: Caller,
  ) {
    super();
  }
}

@QueryHandler(ListApps)
export class ListAppsHandler implements IQueryHandler<ListApps> {
  constructor(@Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'config'>) {}

  async execute({ documents, caller }: ListApps) {
    const apps = await documents.apps({ limit: APPS_MAX });
    const theirs = apps.filter((app) => belongsTo(caller, app.teamId));
    const summaries = await Promise.all(
      theirs.map(async (app) =>
        toAppSummary(app, await problemOf(documents, app), this.api.config),
      ),
    );
    return summaries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }
}

export class ShowApp extends Query<z.infer<typeof appDetails>> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
    /** Where the caller reached this api: `http://host:port`. */
    readonly origin: string,
    /** The moment that is looked at. */
    readonly at: string | undefined,
  ) {
    super();
  }
}

@QueryHandler(ShowApp)
export class ShowAppHandler implements IQueryHandler<ShowApp> {
  constructor(@Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'config' | 'log'>) {}

  async execute({ documents, appId, origin, at }: ShowApp) {
    const app = await appDocument(documents, appId);
    const freezes = await freezesAsOf(this.api, documents, appId);
    const atMs = await momentOf(this.api, documents, at, Date.now());
    return {
      ...toAppDetails(app, await problemOf(documents, app), this.api.config, origin),
      gate: toGate(app.lock ?? undefined, freezes, atMs),
    };
  }
}

/** Why what serves could not be started again: its image is gone, and was not to be had again. */
const problemOf = async (documents: ReadModels, app: AppDocument): Promise<string | null> => {
  if (app.liveVersion === null) return null;
  const release = await documents.release(app.appId, app.liveVersion);
  const build = release?.buildId == null ? undefined : await documents.build(release.buildId);
  return build?.status === 'succeeded' ? (build.explanation?.summary ?? null) : null;
};

/** The app's document; it can be missing only while the read models have not caught up. */
export const appDocument = async (documents: ReadModels, appId: string): Promise<AppDocument> => {
  const app = await documents.app(appId);
  if (app !== undefined) return app;
  throw new Problem(
    'not-caught-up',
    'The app is in the log, but not in the read models yet. Try again shortly.',
    { headers: { 'Retry-After': '1' } },
  );
};
