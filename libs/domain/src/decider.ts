/** The answer to a command: events to append (none when nothing changes), or the reason for a refusal. */
export type Decision<Event, Rejection> =
  | { readonly outcome: 'accepted'; readonly events: readonly Event[] }
  | { readonly outcome: 'rejected'; readonly rejection: Rejection };

/** The rules of one aggregate. All three parts are pure; time, ids and randomness come in the command. */
export interface Decider<State, Command, Event, Rejection> {
  readonly initialState: State;
  readonly decide: (command: Command, state: State) => Decision<Event, Rejection>;
  /** Never refuses and never throws: what is in the log has happened. */
  readonly evolve: (state: State, event: Event) => State;
}

export const accept = <Event>(...events: readonly Event[]) =>
  ({ outcome: 'accepted', events }) as const;

export const reject = <Rejection>(rejection: Rejection) =>
  ({ outcome: 'rejected', rejection }) as const;
