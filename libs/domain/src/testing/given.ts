import type { Decider, Decision } from '../decider.js';

interface Outcome<Event, Rejection> {
  /** Exactly these events, in this order. */
  then(...expected: readonly Event[]): void;
  thenNothing(): void;
  thenRejected(expected: Rejection): void;
}

/** Given what happened, when this is asked for, then that is decided: aggregates are tested by values. */
export const given =
  <State, Command, Event, Rejection>(decider: Decider<State, Command, Event, Rejection>) =>
  (...history: readonly Event[]) => ({
    when: (command: Command): Outcome<Event, Rejection> => {
      const state = history.reduce(
        (folded, event) => decider.evolve(folded, event),
        decider.initialState,
      );
      return outcomeOf(decider.decide(command, state));
    },
  });

const outcomeOf = <Event, Rejection>(
  decision: Decision<Event, Rejection>,
): Outcome<Event, Rejection> => ({
  then: (...expected) => same(decision, { outcome: 'accepted', events: expected }),
  thenNothing: () => same(decision, { outcome: 'accepted', events: [] }),
  thenRejected: (expected) => same(decision, { outcome: 'rejected', rejection: expected }),
});

const same = (actual: unknown, expected: unknown): void => {
  const [a, b] = [
    JSON.stringify(sorted(actual), null, 2),
    JSON.stringify(sorted(expected), null, 2),
  ];
  if (a !== b) throw new Error(`decided\n${a}\ninstead of\n${b}`);
};

/** Key order is no difference between values. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
};
