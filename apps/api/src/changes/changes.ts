import type { CommandContext, CommandFor, CommandHandler } from '@shiplog/commands';
import type { KnownCommand, StateByAggregate, World } from '@shiplog/domain';
import type { Aggregate, EventsByAggregate, Position } from '@shiplog/events';
import type { LogFeed } from '@shiplog/events/log';
import { faultPoint, type ReadinessProbe } from '@shiplog/runtime';
import { gateOf } from '../gates/gate-of.js';
import { Problem } from '../http/problem.js';
import { problemOf } from '../http/rejection-problem.js';

/** A change that is in the log, and already in the world of this process. */
export interface Change<A extends Aggregate = Aggregate> {
  readonly position: Position;
  /** Empty when nothing had to change, or when the same request was carried out before. */
  readonly events: readonly EventsByAggregate[A][];
  readonly repeated: boolean;
}

/** Hands commands to their aggregate; what is refused is thrown as the problem the caller gets. */
export class Changes {
  constructor(
    private readonly commands: CommandHandler,
    private readonly feed: LogFeed,
    private readonly world: Pick<World, 'command' | 'get'>,
    private readonly readiness: Pick<ReadinessProbe, 'appendSucceeded' | 'appendFailed'>,
  ) {}

  /**
   * Where the same request was carried out before; undefined when it is new. Asked first by whoever
   * makes more than one commit: the steps before the one that knows the request must not happen twice.
   */
  known({ command }: CommandContext): KnownCommand | undefined {
    const known = command == null ? undefined : this.world.command(command.id);
    if (known !== undefined && known.digest !== command?.digest) throw keyReused();
    return known;
  }

  async make<A extends Aggregate>(
    aggregate: A,
    id: string,
    command: CommandFor<A>,
    context: CommandContext,
  ): Promise<Change<A>> {
    faultPoint('api/before-append');
    const result = await this.commands
      .handle(aggregate, id, this.gated(aggregate, id, command, context), context)
      .catch((error: unknown) => {
        this.readiness.appendFailed(error);
        throw error;
      });
    faultPoint('api/after-append');
    switch (result.outcome) {
      case 'accepted':
        if (result.events.length > 0) this.readiness.appendSucceeded();
        await this.settle(result.position);
        return { position: result.position, events: result.events, repeated: false };
      case 'repeated':
        await this.settle(result.position);
        return { position: result.position, events: [], repeated: true };
      case 'rejected':
        throw problemOf(result.rejection);
      case 'revision-conflict':
        throw new Problem(
          'revision-conflict',
          'The app changed since you looked at it, so nothing was done. Look again and repeat the change with its new revision.',
          { members: { revision: result.actual }, headers: { ETag: `"${result.actual}"` } },
        );
      case 'idempotency-key-reused':
        throw keyReused();
    }
  }

  /** What somebody wants of an app passes its gate, on the state that it is decided on. */
  private gated<A extends Aggregate>(
    aggregate: A,
    id: string,
    command: CommandFor<A>,
    context: CommandContext,
  ): CommandFor<A> {
    if (aggregate !== 'app') return command;
    return made<A>(async (state) => {
      const open: object = typeof command === 'function' ? await command(state) : command;
      return { ...open, gate: gateOf(this.world, id, context, Date.now()) };
    });
  }

  /** Answers are made from the world: it has to have seen the change. It is in the log all the same. */
  private async settle(position: Position): Promise<void> {
    try {
      await this.feed.reach(position, 5_000);
    } catch (cause) {
      throw new Problem(
        'not-caught-up',
        'The change is in the log, but this process has not read it back yet. Repeat the request with the same Idempotency-Key to get its answer; it will not happen twice.',
        { headers: { 'Retry-After': '2' }, cause },
      );
    }
  }
}

/** The compiler would build the union of all commands of all aggregates. */
const made = <A extends Aggregate>(
  command: (state: StateByAggregate[A]) => Promise<object>,
): CommandFor<A> =>
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-assertion -- without it: TS2590, a union too large
  command as CommandFor<A>;

const keyReused = (): Problem =>
  new Problem(
    'idempotency-key-reused',
    'This Idempotency-Key was used before for another request, so nothing was done. A new request needs a new key.',
  );
