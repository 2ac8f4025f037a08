import type { DomainEventUnion } from './registry.js';

/** An event as stored, of any version ever written. */
export interface StoredEvent {
  readonly type: string;
  readonly v: number;
  readonly data: unknown;
}

/** Brings one event type from version `v` to `v + 1`. */
type Upcaster = (data: unknown) => unknown;

/** Keyed `<type>.<from version>`. Empty as long as every event is at its first version. */
const upcasters: Readonly<Record<string, Upcaster>> = {};

/** Today's shape of a stored event. Old shapes are brought forward one version at a time. */
export const upcast = (stored: StoredEvent): DomainEventUnion => {
  let event = stored;
  for (;;) {
    const step = upcasters[`${event.type}.${event.v}`];
    if (step === undefined) return event as DomainEventUnion;
    event = { type: event.type, v: event.v + 1, data: step(event.data) };
  }
};
