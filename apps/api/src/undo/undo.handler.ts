import { Inject } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import { PLAIN_USE, type UndoCommand, type UndoProposal } from '@shiplog/domain';
import type { Position } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import { z } from 'zod';
import { ChangeApp } from '../apps/change-app.handler.js';
import type { Caller } from '../auth/caller.js';
import type { Changes } from '../changes/changes.js';
import { AddDomain, RemoveDomain } from '../domains/domains.handlers.js';
import { sequenceAt } from '../http/answer.js';
import { Problem } from '../http/problem.js';
import { CHANGES, CONTEXT } from '../injection.js';
import { AddPort, RemovePort } from '../ports/ports.handlers.js';
import { RevokeToken } from '../tokens/tokens.handlers.js';
import { changeAt } from './change-at.js';
import { appNameOf } from './undo.queries.js';

interface Undone {
  readonly app: string | null;
  readonly undone: boolean;
  readonly settles: boolean;
  readonly position: Position;
}

export class UndoChange extends Command<Undone> {
  constructor(
    readonly asked: {
      readonly sequence: string;
      readonly force: boolean;
      /** Of the proposal that was shown. */
      readonly plan: string | undefined;
    },
    readonly caller: Caller,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** A worker that writes the stream itself says where. */
const changed = z.object({ position: z.string() });
/** Looking at a place for backups can take a while. */
const WORKER_TIMEOUT_MS = 30_000;

/** Sends the ordinary command that takes a change back, on exactly the state it was proposed for. */
@CommandHandler(UndoChange)
export class UndoChangeHandler implements ICommandHandler<UndoChange> {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTEXT) private readonly api: ProcessContext,
  ) {}

  async execute({ asked, caller, context }: UndoChange): Promise<Undone> {
    const { record, proposal, revision, plan } = await changeAt(this.api, { ...asked, caller });
    const app = appNameOf(this.api, record);
    const known = this.changes.known(context);
    // Repeated: what it did may be what it would do no more.
    if (known !== undefined) {
      return { app, undone: true, settles: app !== null, position: known.position };
    }
    if (proposal.outcome === 'unneeded') {
      return { app, undone: false, settles: false, position: this.api.world.position };
    }
    if (proposal.outcome !== 'possible') throw refusalOf(proposal);
    if (asked.plan !== undefined && asked.plan !== plan) throw changedMeanwhile(revision);
    const sequence = sequenceAt(record.position);
    const { reason } = context;
    const position = await this.send(proposal.command, caller, {
      expectedRevision: revision,
      ...context,
      reason: `undo of ${sequence}${reason == null ? '' : `: ${reason}`}`,
    });
    return { app, undone: true, settles: proposal.settles, position };
  }

  private async send(
    undo: UndoCommand,
    caller: Caller,
    context: CommandContext,
  ): Promise<Position> {
    switch (undo.aggregate) {
      case 'app':
        return (await this.commands.execute(this.appCommand(undo, context))).position;
      case 'token':
        return (await this.commands.execute(new RevokeToken(undo.id, caller, context))).position;
      case 'garbage': {
        const { exitedKept, minimumAgeSeconds } = undo.command;
        return this.ask('gc', { exitedKept, minimumAgeSeconds }, caller, context);
      }
      case 'freeze': {
        if (undo.command.appId === null) refuseOthers(caller);
        return (await this.changes.make('freeze', undo.id, undo.command, context)).position;
      }
      case 'backup': {
        const { schedule, target, keep } = undo.command;
        return this.ask('backup', { schedule, target, keep }, caller, context);
      }
    }
  }

  private appCommand(
    { id: appId, command }: Extract<UndoCommand, { aggregate: 'app' }>,
    context: CommandContext,
  ) {
    const { state } = this.api.world.get('app', appId);
    if (state.status !== 'active') {
      throw new Problem('app-destroyed', 'The app was destroyed in the same moment.');
    }
    // A host is one app's at a time, which is more than the app can decide.
    if (command.type === 'AddDomain') {
      const { host, use = PLAIN_USE } = command;
      return new AddDomain(state, [{ host, use }], context);
    }
    if (command.type === 'RemoveDomain') return new RemoveDomain(state, command.host, context);
    // As of a host.
    if (command.type === 'AddPort') return new AddPort(state, command, context);
    if (command.type === 'RemovePort') return new RemovePort(state, command.port, context);
    return new ChangeApp(appId, command, context);
  }

  /** Policies are in streams that workers write. */
  private async ask(
    worker: 'gc' | 'backup',
    policy: object,
    caller: Caller,
    { actor, origin, reason, command }: CommandContext,
  ): Promise<Position> {
    refuseOthers(caller);
    const input = { ...policy, context: { actor, origin, reason, command } };
    const options = { timeoutMs: WORKER_TIMEOUT_MS };
    const answer = await this.api.bus.request(worker, 'policy', input, options);
    const { position } = changed.parse(answer);
    await this.api.feed.reach(position);
    return position;
  }
}

const refuseOthers = ({ administrator }: Caller): void => {
  if (administrator) return;
  throw new Problem('not-administrator', 'Only administrators may do this; ask one of them.');
};

const refusalOf = (
  proposal: Extract<UndoProposal, { outcome: 'overtaken' | 'impossible' }>,
): Problem => {
  if (proposal.outcome === 'overtaken') {
    const { why, leaves } = proposal;
    const by = leaves.map(({ what, sequence, by: who }) => `${what} by ${who} at ${sequence}`);
    return new Problem(
      'undo-overtaken',
      `${why} Changed since: ${by.join(', ')}. With "force" that is taken back, too.`,
      { members: { leaves } },
    );
  }
  const { why, instead } = proposal;
  return new Problem('undo-impossible', instead === null ? why : `${why} ${instead}`, {
    members: { instead },
  });
};

const changedMeanwhile = (revision: string): Problem =>
  new Problem(
    'revision-conflict',
    'Something changed since this undo was proposed, so nothing was done. Look at the new proposal.',
    { members: { revision }, headers: { ETag: `"${revision}"` } },
  );
