import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Sequence } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import { CONTEXT } from '../injection.js';
import type { EventFilter } from './event-filter.js';
import { readEvents, type EventPage } from './event-pages.js';

export class ReadEvents extends Query<EventPage> {
  constructor(
    readonly filter: EventFilter,
    readonly after: Sequence,
    readonly limit: number,
  ) {
    super();
  }
}

/** Not from the read models: the log itself is what is shown. */
@QueryHandler(ReadEvents)
export class ReadEventsHandler implements IQueryHandler<ReadEvents> {
  constructor(@Inject(CONTEXT) private readonly api: ProcessContext) {}

  execute({ filter, after, limit }: ReadEvents): Promise<EventPage> {
    const { log, world, config } = this.api;
    return readEvents({ log, world, platform: config.platform }, filter, after, limit);
  }
}
