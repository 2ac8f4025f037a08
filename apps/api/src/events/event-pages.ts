import type { World } from '@shiplog/domain';
import { positionBefore, positionOf, START, toSequence, type Sequence } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import type { z } from 'zod';
import { toCloudEvents } from './cloud-event.js';
import { isWanted, type EventFilter } from './event-filter.js';
import type { cloudEvent } from './events.routes.js';

export type CloudEvent = z.infer<typeof cloudEvent>;

export interface EventPage {
  readonly events: CloudEvent[];
  /** Where to go on: the last event that was looked at. */
  readonly next: Sequence;
  /** Nothing was behind it. */
  readonly end: boolean;
}

export interface EventSource {
  readonly log: Pick<EventLog, 'readAfter'>;
  readonly world: World;
  readonly platform: string;
}

/** Commits looked at for one page: a filter that finds nothing must not read the whole log at once. */
const COMMITS_MAX = 5_000;
const BATCH = 500;

/** Before the first event. */
export const BEGINNING: Sequence = toSequence(START, 0);

/** The next events after a place, at least one commit's, never a part of one. */
export const readEvents = async (
  { log, world, platform }: EventSource,
  filter: EventFilter,
  after: Sequence,
  limit: number,
): Promise<EventPage> => {
  const events: CloudEvent[] = [];
  let next = after;
  // The commit that `after` lies in may have events behind it: it is read once more.
  let position = positionBefore(positionOf(after));
  for (let looked = 0; looked < COMMITS_MAX && events.length < limit;) {
    const batch = await log.readAfter(position, BATCH);
    for (const record of batch) {
      if (events.length >= limit) return { events, next, end: false };
      const all = toCloudEvents(record, platform);
      const wanted = record.commit.events.map((event) => isWanted(event, filter, world));
      events.push(...all.filter((event, i) => wanted[i] === true && event.sequence > after));
      next = all.at(-1)?.sequence ?? next;
      position = record.position;
    }
    looked += batch.length;
    if (batch.length < BATCH) return { events, next: next > after ? next : after, end: true };
  }
  return { events, next: next > after ? next : after, end: false };
};
