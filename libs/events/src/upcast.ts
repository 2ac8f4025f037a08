import { eventTypes } from './event-types.js';
import type { DomainEventUnion } from './registry.js';
import { upcasters } from './upcasters.js';

/** An event as stored, of any version ever written. */
export interface StoredEvent {
  readonly type: string;
  readonly v: number;
  readonly data: unknown;
}

/** A newer Shiplog wrote this event: what it says is not known here, and passing it over would be guessing. */
export class NewerEventError extends Error {
  readonly code = 'event-newer';
  constructor({ type, v }: StoredEvent, known: number | undefined) {
    super(
      known === undefined
        ? `the event ${type} is not known to this version of Shiplog`
        : `the event ${type} has version ${v}, and this version of Shiplog knows it up to ${known}`,
    );
    this.name = 'NewerEventError';
  }
}

const versions = new Map<string, number>(eventTypes().map(({ type, v }) => [type, v]));

/** Today's shape of a stored event. Old shapes are brought forward one version at a time. */
export const upcast = (stored: StoredEvent): DomainEventUnion => {
  const today = versions.get(stored.type);
  if (today === undefined || stored.v > today) throw new NewerEventError(stored, today);
  let event = stored;
  while (event.v < today) {
    const step = upcasters[`${event.type}.${event.v}`];
    if (step === undefined) throw new Error(`no upcaster from ${event.type} version ${event.v}`);
    event = { type: event.type, v: event.v + 1, data: step(event.data) };
  }
  return event as DomainEventUnion;
};
