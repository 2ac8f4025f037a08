import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { aggregateOf, idOf, type RecordedCommit } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import type { z } from 'zod';
import type { Caller } from '../auth/caller.js';
import { sequenceAt } from '../http/answer.js';
import { CONTEXT } from '../injection.js';
import { changeAt } from './change-at.js';
import type { proposal } from './undo.routes.js';

type Answer = z.infer<typeof proposal>;

export class ProposeUndo extends Query<Answer> {
  constructor(
    readonly sequence: string,
    readonly force: boolean,
    readonly caller: Caller,
  ) {
    super();
  }
}

/** Says what an undo would do, and does nothing. */
@QueryHandler(ProposeUndo)
export class ProposeUndoHandler implements IQueryHandler<ProposeUndo> {
  constructor(@Inject(CONTEXT) private readonly api: ProcessContext) {}

  async execute({ sequence, force, caller }: ProposeUndo): Promise<Answer> {
    const { record, proposal, plan } = await changeAt(this.api, { sequence, force, caller });
    const { commit, position } = record;
    const isPossible = proposal.outcome === 'possible';
    return {
      sequence: sequenceAt(position),
      events: commit.events.map(({ type }) => type),
      app: appNameOf(this.api, record),
      time: commit.time,
      by: commit.actor.name,
      reason: commit.reason,
      outcome: proposal.outcome,
      commands: isPossible ? [...proposal.commandLines] : [],
      restores: isPossible ? [...proposal.restores] : [],
      causes: isPossible ? [...proposal.causes] : [],
      leaves: 'leaves' in proposal ? [...proposal.leaves] : [],
      overwrites: isPossible ? [...proposal.overwrites] : [],
      why: 'why' in proposal ? proposal.why : null,
      instead: 'instead' in proposal ? proposal.instead : null,
      plan: isPossible ? plan : null,
    };
  }
}

/** Of the app whose stream the change is in. */
export const appNameOf = (
  { world }: Pick<ProcessContext, 'world'>,
  { commit: { stream } }: RecordedCommit,
): string | null => {
  if (aggregateOf(stream) !== 'app') return null;
  const { state } = world.get('app', idOf(stream));
  return state.status === 'none' ? null : state.name;
};
