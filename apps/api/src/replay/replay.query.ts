import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import {
  changesBetween,
  collectState,
  Queue,
  summaryOf,
  type Fact,
  type ReadModels,
  type ReplayState,
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
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}
type Answer = z.infer<NonNullable<typeof showReplay.answer.schema>>;

/** Comparisons that wait for their turn. */
const WAITING_MAX = 16;

export class Replay extends Query<Answer> {
  constructor(readonly asked: Asked) {
    super();
  }
}

/**
 * Two looks into the past and the log between them; nothing is written anywhere. It may be all of the log: one
 * at a time, in small steps, and no further when the caller goes away.
 */
@QueryHandler(Replay)
export class ReplayHandler implements IQueryHandler<Replay> {
  private readonly queue = new Queue(WAITING_MAX);

  constructor(
    @Inject(CONTEXT) private readonly api: ProcessContext,
    @Inject(READ_MODELS) private readonly readModels: RunningReadModels,
    @Inject(DOOR) private readonly door: Door,
  ) {}

  async execute({ asked }: Replay): Promise<Answer> {
    const { signal } = asked;
    try {
      return await this.queue.run(signal, () => this.look(asked));
    } catch (cause) {
      if (!signal.aborted) throw cause;
      throw new Problem('bad-request', 'The caller went away before the answer.', { cause });
    }
  }

  private async look(asked: Asked): Promise<Answer> {
    const { signal, documents, diff } = asked;
    const here = await collectState(documents, signal);
    if (diff === undefined) {
      return this.answer(asked, here, await this.appIdOf(asked, [documents]), null);
    }
    const models = await this.readModels.at(await this.readModels.positionAt(diff), signal);
    const there = await collectState(models, signal);
    const appId = await this.appIdOf(asked, [documents, models]);
    return this.answer(asked, here, appId, await this.diff(asked, appId, here, there));
  }

  private answer(
    { caller }: Asked,
    { position, documents }: ReplayState,
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
    { caller, signal }: Asked,
    appId: string | undefined,
    here: ReplayState,
    there: ReplayState,
  ): Promise<Answer['diff']> {
    const { log } = this.api;
    const isTurned = log.compare(here.position, there.position) > 0;
    const [before, after] = isTurned ? [there, here] : [here, there];
    const isWanted = (fact: Fact): boolean =>
      maySee(fact, caller) && (appId === undefined || fact.appId === appId);
    const states = { before, after };
    const { commits, changes } = await changesBetween(log, states, isWanted, signal);
    return {
      from: sequenceAt(before.position),
      to: sequenceAt(after.position),
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

/** As in lists: what is of their teams and what is their own. */
const maySee = ({ teamId, userId }: Fact, caller: Caller): boolean =>
  caller.administrator ||
  (teamId !== null && belongsTo(caller, teamId)) ||
  (userId !== null && userId === caller.userId);
