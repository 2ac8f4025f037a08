import { Controller, Inject } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { ShowCauses } from './why.queries.js';
import * as routes from './why.routes.js';

@Controller()
export class WhyController {
  constructor(@Inject(QueryBus) private readonly queries: QueryBus) {}

  @Handles(routes.showCauses)
  async show(
    @Admission() { caller, query, documents }: Admitted<typeof routes.showCauses>,
  ): Reply<typeof routes.showCauses> {
    const body = await this.queries.execute(new ShowCauses(documents, caller, query.of, query.app));
    return { body, position: await documents.position() };
  }
}
