import { Controller, Inject } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { positionOf } from '@shiplog/events';
import type { Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { Replay } from './replay.query.js';
import * as routes from './replay.routes.js';

@Controller()
export class ReplayController {
  constructor(@Inject(QueryBus) private readonly queries: QueryBus) {}

  @Handles(routes.showReplay)
  async show(
    @Admission() { caller, documents, query, signal }: Admitted<typeof routes.showReplay>,
  ): Reply<typeof routes.showReplay> {
    const { diff, app } = query;
    const body = await this.queries.execute(new Replay({ caller, documents, diff, app, signal }));
    return { body, position: positionOf(body.at) };
  }
}
