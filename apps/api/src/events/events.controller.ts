import { Controller, Inject, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { positionOf, SEQUENCE_PATTERN, toSequence, type Sequence } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import type { Request, Response } from 'express';
import { isStillUsable } from '../auth/caller.js';
import type { Reply } from '../http/answer.js';
import type { Admitted, Door } from '../http/door.js';
import { streamTo } from '../http/line-stream.js';
import { Problem } from '../http/problem.js';
import { refuseFuture } from '../http/refuse-future.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT, DOOR } from '../injection.js';
import type { EventFilter } from './event-filter.js';
import { BEGINNING } from './event-pages.js';
import { followEvents, toServerSentEvent } from './event-stream.js';
import { ReadEvents } from './events.queries.js';
import * as routes from './events.routes.js';

@Controller()
export class EventsController {
  constructor(
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
    @Inject(DOOR) private readonly door: Door,
  ) {}

  @Handles(routes.listEvents)
  async list(
    @Admission() request: Admitted<typeof routes.listEvents>,
  ): Reply<typeof routes.listEvents> {
    const { after = BEGINNING, limit } = request.query;
    await refuseFuture(this.api, positionOf(after), 'query.after');
    const filter = await this.filterOf(request);
    const body = await this.queries.execute(new ReadEvents(filter, after, limit));
    return { body, position: positionOf(body.next) };
  }

  @Handles(routes.streamEvents)
  async stream(
    @Admission() admitted: Admitted<typeof routes.streamEvents>,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { feed, log, world, config } = this.api;
    const filter = await this.filterOf(admitted);
    const after = await this.startOf(request, admitted.query.after);
    const source = { feed, log, world, platform: config.platform };
    const options = {
      contentType: 'text/event-stream; charset=utf-8',
      heartbeat: ': still here\n\n',
      mayGoOn: () => isStillUsable(world, admitted.caller, Date.now()),
    };
    await streamTo(response, options, async function* (signal) {
      // The place first: who loses the connection before the first event goes on from here all the same.
      yield `retry: 1000\nid: ${after}\n\n`;
      for await (const event of followEvents(source, filter, after, signal)) {
        yield toServerSentEvent(event);
      }
    });
  }

  /** Where a stream goes on. By default from now on: what was in the log when the request came is past. */
  private async startOf(request: Request, after: Sequence | undefined): Promise<Sequence> {
    const lastEventId = lastEventIdOf(request);
    const given = lastEventId ?? after;
    if (given === undefined) return toSequence(await this.api.feed.catchUp(), 9999);
    const path = lastEventId === undefined ? 'query.after' : 'headers.last-event-id';
    await refuseFuture(this.api, positionOf(given), path);
    return given;
  }

  private async filterOf({
    caller,
    query,
  }: Pick<Admitted<typeof routes.listEvents>, 'caller'> & {
    readonly query: { readonly app?: string | undefined; readonly type?: string | undefined };
  }): Promise<EventFilter> {
    const app = query.app === undefined ? undefined : await this.door.appOf(query.app, caller);
    const types = query.type === undefined ? undefined : new Set(query.type.split(','));
    return { caller, appId: app?.appId, types };
  }
}

const lastEventIdOf = (request: Request): Sequence | undefined => {
  const header = request.headers['last-event-id'];
  if (header === undefined || header === '') return undefined;
  if (typeof header === 'string' && SEQUENCE_PATTERN.test(header)) return header;
  const message = 'expected a sequence such as 00000000000000000042-0000.';
  throw new Problem('invalid-input', `headers.last-event-id: ${message}`, {
    errors: [{ path: 'headers.last-event-id', message }],
  });
};
