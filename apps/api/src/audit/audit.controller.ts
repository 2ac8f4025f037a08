import { Controller, Inject } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import {
  positionBefore,
  positionOf,
  SEQUENCE_PATTERN,
  START,
  type Position,
} from '@shiplog/events';
import type { RunningReadModels } from '@shiplog/read-models';
import type { ProcessContext } from '@shiplog/runtime';
import { belongsTo, type Caller } from '../auth/caller.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Problem } from '../http/problem.js';
import { problemOf } from '../http/rejection-problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT, READ_MODELS } from '../injection.js';
import type { Outcome } from './audit-entry.js';
import type { AuditFilter } from './audit-filter.js';
import { ReadAudit } from './audit.queries.js';
import * as routes from './audit.routes.js';
import { ErasePerson } from './erase-person.handler.js';
import type { AuditRange } from './read-audit.js';

type AuditQuery = Admitted<typeof routes.listAudit>['query'];

@Controller()
export class AuditController {
  constructor(
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
    @Inject(READ_MODELS) private readonly readModels: Pick<RunningReadModels, 'positionAt'>,
  ) {}

  @Handles(routes.listAudit)
  async list(
    @Admission() { caller, query }: Admitted<typeof routes.listAudit>,
  ): Reply<typeof routes.listAudit> {
    const head = await this.api.feed.catchUp();
    const filter = this.filterOf(caller, query);
    const range = await this.rangeOf(query, head);
    const body = await this.queries.execute(new ReadAudit(filter, range, query.limit));
    return { body, position: head };
  }

  @Handles(routes.erasePerson)
  async erase(
    @Admission() { body, context }: Admitted<typeof routes.erasePerson>,
  ): Reply<typeof routes.erasePerson> {
    const users = [...this.api.world.all('user')].filter((user) => user.status === 'active');
    const user =
      users.find(({ userId }) => userId === body.user) ??
      users.find(({ name }) => name === body.user);
    if (user === undefined) throw problemOf({ code: 'user-not-found' });
    if (body.confirm !== user.name && body.confirm !== user.userId) {
      throw new Problem(
        'confirmation-mismatch',
        `Erasing cannot be taken back and needs the name of the person as confirmation: ${user.name}.`,
      );
    }
    const { userId, name } = user;
    const { position } = await this.commands.execute(new ErasePerson(userId, context));
    return { body: { sequence: sequenceAt(position), userId, user: name }, position };
  }

  private filterOf(caller: Caller, query: AuditQuery): AuditFilter {
    const { actor, app, type: types, outcome, correlation, by } = query;
    const says = actor ?? types ?? correlation;
    return {
      caller,
      actor,
      appId: app === undefined ? undefined : this.appIdOf(app, caller),
      types,
      outcomes: outcome as ReadonlySet<Outcome> | undefined,
      correlation,
      includesProcesses: by === undefined ? says !== undefined : by === 'all',
    };
  }

  /** Also of an app that was destroyed: its audit is asked for then more than ever. */
  private appIdOf(nameOrId: string, caller: Caller): string {
    const { world } = this.api;
    const byId = world.get('app', nameOrId).state;
    const named = byId.status === 'none' ? world.appByName(nameOrId) : byId;
    const app = named ?? world.destroyedApps.named(nameOrId);
    if (app !== undefined && belongsTo(caller, app.teamId)) {
      return app.appId;
    }
    throw problemOf({ code: 'app-not-found' });
  }

  private async rangeOf(query: AuditQuery, head: Position): Promise<AuditRange> {
    const newestFirst = query.order === 'newest';
    const cursor = query.cursor === undefined ? undefined : positionOf(query.cursor);
    const after = query.since === undefined ? START : await this.beforeMoment(query.since);
    const until = query.until === undefined ? head : await this.untilMoment(query.until, head);
    if (cursor === undefined) return { after, until, newestFirst };
    return newestFirst
      ? { after, until: least(until, positionBefore(cursor)), newestFirst }
      : { after: after > cursor ? after : cursor, until, newestFirst };
  }

  /** The place before everything of that moment. */
  private async beforeMoment(since: string): Promise<Position> {
    if (SEQUENCE_PATTERN.test(since) || /^\d+$/.test(since)) {
      return positionBefore(await this.readModels.positionAt(since));
    }
    const ms = Date.parse(since);
    // What is no time is refused in the words of who reads them.
    return this.readModels.positionAt(Number.isNaN(ms) ? since : new Date(ms - 1).toISOString());
  }

  private async untilMoment(until: string, head: Position): Promise<Position> {
    const isToCome = !/^\d+(?:-\d{4})?$/.test(until) && Date.parse(until) > Date.now();
    return isToCome ? head : least(await this.readModels.positionAt(until), head);
  }
}

const least = (a: Position, b: Position): Position => (a < b ? a : b);
