import { Controller, Inject } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { ProcessContext } from '@shiplog/runtime';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import { UndoChange } from './undo.handler.js';
import { ProposeUndo } from './undo.queries.js';
import * as routes from './undo.routes.js';

@Controller()
export class UndoController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world'>,
  ) {}

  @Handles(routes.proposeUndo)
  async propose(
    @Admission() { params, query, caller }: Admitted<typeof routes.proposeUndo>,
  ): Reply<typeof routes.proposeUndo> {
    const body = await this.queries.execute(new ProposeUndo(params.sequence, query.force, caller));
    return { body, position: this.api.world.position };
  }

  @Handles(routes.undoChange)
  async undo(
    @Admission() { params, body, caller, context }: Admitted<typeof routes.undoChange>,
  ): Reply<typeof routes.undoChange> {
    const { position, ...undone } = await this.commands.execute(
      new UndoChange(
        { sequence: params.sequence, force: body.force, plan: body.plan },
        caller,
        context,
      ),
    );
    return { body: { sequence: sequenceAt(position), ...undone }, position };
  }
}
