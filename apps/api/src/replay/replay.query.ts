import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Position } from '@shiplog/events';
import {
  changesBetween,
  documentsOf,
  summaryOf,
  type Fact,
  type ReadModels,
  type RunningReadModels,
} from '@shiplog/read-models';
import type { ProcessContext } from '@shiplog/runtime';
import type { z } from 'zod';
import { belongsTo, type Caller } from '../auth/caller.js';
import { sequenceAt } from '../http/answer.js';
import type { Door } from '../http/door.js';
import { Problem } from '../http/problem.js';
import { CONTEXT, DOOR, READ_MODELS } from '../injection.js';
import type { showReplay } from './replay.routes.js';

interface Asked {
  readonly caller: Caller;
  readonly documents: ReadModels;
  readonly diff: string | undefined;
  readonly app: string | undefined;
}
type Answer = z.infer<NonNullable<typeof showReplay.answer.schema>>;
type State = Awaited<ReturnType<typeof stateOf>>;

export class Replay extends Query<Answer> {
  constructor(readonly asked: Asked) {
    super();
  }
}

/** Two looks into the past and the log between them; nothing is written anywhere. */
@QueryHandler(Replay)
export class ReplayHandler implements IQueryHandler<Replay> {
  constructor(
    @Inject(CONTEXT) private readonly api: ProcessContext,
    @Inject(READ_MODELS) private readonly readModels: RunningReadModels,
    @Inject(DOOR) private readonly door: Door,
  ) {}

  async execute({ asked }: Replay): Promise<Answer> {
    const over = new AbortController();
    const past = (position: Position) => this.readModels.at(position, over.signal);
    try {
      const here = await stateOf(asked.documents, past);
      if (asked.diff === undefined) {
        return this.answer(asked, here, await this.appIdOf(asked, [asked.documents]), null);
      }
      const models = await past(await this.readModels.positionAt(asked.diff));
      const there = await stateOf(models, past);
      const appId = await this.appIdOf(asked, [asked.documents, models]);
      return this.answer(asked, here, appId, await this.diff(asked.caller, appId, here, there));
    } finally {
      over.abort();
    }
  }

  private answer(
    { caller }: Asked,
    { position, documents }: State,
    appId: string | undefined,
    diff: Answer['diff'],
  ): Answer {
    const apps = summaryOf(
      documents,
      (app) => belongsTo(caller, app.teamId) && (appId === undefined || app.appId === appId),
    );
    const shown = apps.map((app) => ({
      ...app,
      formation: { ...app.formation },
      domains: [...app.domains],
    }));
    return { at: sequenceAt(position), apps: shown, diff };
  }

  private async diff(
    caller: Caller,
    appId: string | undefined,
    here: State,
    there: State,
  ): Promise<Answer['diff']> {
    const { log } = this.api;
    const isTurned = log.compare(here.position, there.position) > 0;
    const [from, to] = isTurned ? [there, here] : [here, there];
    const isWanted = (fact: Fact): boolean =>
      maySee(fact, caller) && (appId === undefined || fact.appId === appId);
    const { commits, changes } = await changesBetween(log, from, to, isWanted);
    return {
      from: sequenceAt(from.position),
      to: sequenceAt(to.position),
      commits,
      changes: changes.map(({ appId: _appId, ...change }) => change),
    };
  }

  /** It may be gone at one of the moments, and not be there yet at the other. */
  private async appIdOf(
    { app, caller }: Asked,
    states: readonly ReadModels[],
  ): Promise<string | undefined> {
    if (app === undefined) return undefined;
    for (const [index, past] of states.entries()) {
      try {
        return (await this.door.appOf(app, caller, { past })).appId;
      } catch (error) {
        const isMissing = error instanceof Problem && error.code === 'app-not-found';
        if (!isMissing || index === states.length - 1) throw error;
      }
    }
    return undefined;
  }
}

/** What is shown now goes on while it is read: then it is looked at as it was when the reading began. */
const stateOf = async (models: ReadModels, past: (position: Position) => Promise<ReadModels>) => {
  const position = await models.position();
  const documents = await documentsOf(models);
  if ((await models.position()) === position) return { position, documents };
  return { position, documents: await documentsOf(await past(position)) };
};

/** As in lists: what is of their teams and what is their own. */
const maySee = ({ teamId, userId }: Fact, caller: Caller): boolean =>
  caller.administrator ||
  (teamId !== null && belongsTo(caller, teamId)) ||
  (userId !== null && userId === caller.userId);
