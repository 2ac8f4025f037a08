import type { Sequence } from '@shiplog/events';
import type { LogFeed } from '@shiplog/events/log';
import { openAlarm } from '../progress/inbox.js';
import type { EventFilter } from './event-filter.js';
import { readEvents, type CloudEvent, type EventSource } from './event-pages.js';

const PAGE = 500;
/** Hints can get lost; the log is looked at this often anyway. */
const LOOK_MS = 2_000;

/** All events after a place, and then the ones that come, each once and in order. */
export async function* followEvents(
  source: EventSource & { readonly feed: LogFeed },
  filter: EventFilter,
  after: Sequence,
  signal: AbortSignal,
): AsyncGenerator<CloudEvent> {
  const alarm = openAlarm(source.feed, signal);
  let place = after;
  try {
    while (!signal.aborted) {
      const page = await readEvents(source, filter, place, PAGE);
      yield* page.events;
      place = page.next;
      if (page.end) await alarm.next(LOOK_MS);
    }
  } finally {
    alarm.close();
  }
}

/** One event as server-sent event. JSON has no line breaks outside strings, and inside they are escaped. */
export const toServerSentEvent = (event: CloudEvent): string =>
  `id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
