import type {
  Actor,
  Aggregate,
  Commit,
  EventsByAggregate,
  Origin,
  Position,
  Revision,
} from '@shiplog/events';
import { EMPTY, streamName } from '@shiplog/events';
import type { EventLog, LogFeed } from '@shiplog/events/log';
import {
  deciderOf,
  foldEvents,
  type CommandByAggregate,
  type RejectionByAggregate,
  type StateByAggregate,
  type Tracked,
  type World,
} from '@shiplog/domain';
import { v7 as uuidv7 } from 'uuid';
import { Turns } from './turns.js';

/** Who asks, from where, and why: what the log keeps beside the events. */
export interface CommandContext {
  readonly actor: Actor;
  readonly origin?: Origin | null;
  /** The user's own words (`-m`). */
  readonly reason?: string | null;
  readonly correlation?: string;
  readonly causation?: string | null;
  /** From `Idempotency-Key`: `id` names the request, `digest` its body. */
  readonly command?: { readonly id: string; readonly digest: string } | null;
  /** From `If-Match`: decide only on exactly this revision. */
  readonly expectedRevision?: Revision;
  /** What would bar the change, and is put aside for it. */
  readonly overrides?: { readonly lock: boolean; readonly freeze: boolean };
  /** Who asks may put aside what counts for the whole platform. */
  readonly isAdministrator?: boolean;
}

export type CommandResult<A extends Aggregate> =
  /** `position` is that of the new commit, or of the state it was decided on when nothing changed. */
  | {
      readonly outcome: 'accepted';
      readonly position: Position;
      readonly revision: Revision;
      readonly events: readonly EventsByAggregate[A][];
      readonly state: StateByAggregate[A];
    }
  /** The same request was carried out before. */
  | { readonly outcome: 'repeated'; readonly position: Position }
  | { readonly outcome: 'rejected'; readonly rejection: RejectionByAggregate[A] }
  | { readonly outcome: 'revision-conflict'; readonly actual: Revision }
  /** The idempotency key was used before with another body. */
  | { readonly outcome: 'idempotency-key-reused' };

/** A command, or how it is made from the state it is decided on: anew whenever it is decided again. */
export type CommandFor<A extends Aggregate> =
  CommandByAggregate[A] | ((state: StateByAggregate[A]) => Promise<CommandByAggregate[A]>);

export interface CommandHandlerDependencies {
  readonly log: EventLog;
  readonly world: World;
  readonly feed: LogFeed;
  readonly now?: () => Date;
  readonly newId?: () => string;
}

type KnownRequest = Extract<
  CommandResult<Aggregate>,
  { outcome: 'repeated' | 'idempotency-key-reused' }
>;

/** More changes of one stream came at once than can be made. Nothing was written. */
export class CrowdedError extends Error {
  readonly code = 'too-many-changes';
  readonly retryable = true;
  constructor(stream: string) {
    super(`waiting for a turn to change ${stream}`);
    this.name = 'CrowdedError';
  }
}

/** So often a command may lose against other processes; of ours there is one at a time. */
const ATTEMPTS_MAX = 20;
/** Nobody waits longer for its turn. */
const TURN_MS = 10_000;

/**
 * The way of every change into the log: fold, decide, append; decide again when somebody was faster.
 * Decided first on the world in memory (a stale one loses the append), then on the stream as the log
 * has it, where racers of this process take turns: all at once, most of them would lose again and again.
 */
export class CommandHandler {
  private readonly now: () => Date;
  private readonly newId: () => string;
  private readonly turns = new Turns();

  constructor(private readonly deps: CommandHandlerDependencies) {
    this.now = deps.now ?? (() => new Date());
    this.newId = deps.newId ?? uuidv7;
  }

  async handle<A extends Aggregate>(
    aggregate: A,
    id: string,
    command: CommandFor<A>,
    context: CommandContext,
  ): Promise<CommandResult<A>> {
    const known = this.findKnown(context);
    if (known !== undefined) return known;

    const stream = streamName(aggregate, id);
    // Who comes while others wait would take the turn of the one whose turn it is.
    if (!this.turns.isTaken(stream)) {
      const tracked = this.deps.world.get(aggregate, id);
      const result = await this.attempt(aggregate, id, command, context, tracked);
      if (result !== 'conflict') return result;
    }
    const since = performance.now();
    return this.turns.take(stream, () => {
      if (performance.now() - since > TURN_MS) throw new CrowdedError(stream);
      return this.decideOnLog(aggregate, id, command, context);
    });
  }

  private async decideOnLog<A extends Aggregate>(
    aggregate: A,
    id: string,
    command: CommandFor<A>,
    context: CommandContext,
  ): Promise<CommandResult<A>> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const read = await this.load(aggregate, id, context);
      if ('outcome' in read) return read;
      const result = await this.attempt(aggregate, id, command, context, read);
      if (result !== 'conflict') return result;
      await jitter(attempt);
    }
    throw new CrowdedError(streamName(aggregate, id));
  }

  private findKnown(context: CommandContext): KnownRequest | undefined {
    if (context.command == null) return undefined;
    const known = this.deps.world.command(context.command.id);
    if (known === undefined) return undefined;
    return known.digest === context.command.digest
      ? { outcome: 'repeated', position: known.position }
      : { outcome: 'idempotency-key-reused' };
  }

  private async attempt<A extends Aggregate>(
    aggregate: A,
    id: string,
    command: CommandFor<A>,
    context: CommandContext,
    tracked: Tracked<StateByAggregate[A]>,
  ): Promise<CommandResult<A> | 'conflict'> {
    const decider = deciderOf(aggregate);
    if (context.expectedRevision !== undefined && context.expectedRevision !== tracked.revision) {
      // A stale view knows neither the revision the caller saw nor whether this very request made it.
      if (await this.isStale(aggregate, id, tracked)) return 'conflict';
      return { outcome: 'revision-conflict', actual: tracked.revision };
    }
    const decision = decider.decide(await commandOn(tracked.state, command), tracked.state);
    if (decision.outcome === 'rejected') {
      // A stale view must not refuse what the log would allow: refuse only on what the log says now.
      if (await this.isStale(aggregate, id, tracked)) return 'conflict';
      return { outcome: 'rejected', rejection: decision.rejection };
    }
    if (decision.events.length === 0) {
      if (await this.isStale(aggregate, id, tracked)) return 'conflict';
      const { position } = this.deps.world;
      return {
        outcome: 'accepted',
        position,
        revision: tracked.revision,
        events: [],
        state: tracked.state,
      };
    }
    const commit = this.commitOf(aggregate, id, decision.events, context, tracked);
    const appended = await this.deps.log.append(commit.stream, tracked.revision, commit);
    if (appended.outcome === 'conflict') return 'conflict';
    return {
      outcome: 'accepted',
      position: appended.position,
      revision: appended.revision,
      events: decision.events,
      state: foldEvents(aggregate, tracked.state, decision.events),
    };
  }

  private async isStale<A extends Aggregate>(
    aggregate: A,
    id: string,
    tracked: Tracked<StateByAggregate[A]>,
  ): Promise<boolean> {
    await this.deps.feed.catchUp();
    const current = this.deps.world.get(aggregate, id);
    // The world forgets what ended; the log does not. Only a newer revision proves staleness.
    return current.version > tracked.version;
  }

  private commitOf<A extends Aggregate>(
    aggregate: A,
    id: string,
    events: readonly EventsByAggregate[A][],
    context: CommandContext,
    tracked: Tracked<StateByAggregate[A]>,
  ): Commit {
    const commitId = this.newId();
    return {
      v: 1,
      id: commitId,
      command: context.command ?? null,
      stream: streamName(aggregate, id),
      from: tracked.version,
      to: tracked.version + events.length,
      previousHash: tracked.hash,
      actor: context.actor,
      origin: context.origin ?? null,
      reason: context.reason ?? null,
      correlation: context.correlation ?? commitId,
      causation: context.causation ?? null,
      time: this.now().toISOString(),
      // Through unknown: the compiler would otherwise compare two unions of fifty event types.
      events: events,
    };
  }

  /** The aggregate as the log has it, unless the command itself turns up in its stream. */
  private async load<A extends Aggregate>(
    aggregate: A,
    id: string,
    context: CommandContext,
  ): Promise<Tracked<StateByAggregate[A]> | KnownRequest> {
    const records = await this.deps.log.read(streamName(aggregate, id));
    const own = records.find(
      (r) => context.command != null && r.commit.command?.id === context.command.id,
    );
    if (own !== undefined) {
      return own.commit.command?.digest === context.command?.digest
        ? { outcome: 'repeated', position: own.position }
        : { outcome: 'idempotency-key-reused' };
    }
    const last = records.at(-1);
    const events = records.flatMap<unknown>((record) => record.commit.events);
    return {
      state: foldEvents(aggregate, deciderOf(aggregate).initialState, events),
      revision: last?.revision ?? EMPTY,
      version: last?.commit.to ?? 0,
      hash: last?.hash ?? null,
    };
  }
}

const commandOn = async <A extends Aggregate>(
  state: StateByAggregate[A],
  command: CommandFor<A>,
): Promise<CommandByAggregate[A]> => (typeof command === 'function' ? command(state) : command);

/** Up to 2, 4, 8, … 64 ms: racers on one aggregate spread out instead of colliding again. */
const jitter = (attempt: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(64, 2 ** (attempt + 1))));
