import { ApiError, pause, UnreachableError, type CloudEvent } from '@shiplog/api-client';
import type { Colors } from 'picocolors/types.js';
import { defineCommand, type Invocation } from '../command.js';
import { usageError } from '../exit-code.js';
import { parseInteger } from '../parse/quantity.js';
import { printableLine } from '../render/printable.js';

interface EventsOptions {
  readonly app?: string;
  readonly follow?: boolean;
  readonly after?: string;
  readonly type?: string;
  readonly limit?: number;
}

const PAGE = 500;

const parseAfter = (text: string): string => {
  if (/^\d{20}-\d{4}$/.test(text)) return text;
  if (/^\d{1,20}$/.test(text)) return `${text.padStart(20, '0')}-9999`;
  throw usageError(
    `"${text}" is not a sequence`,
    'A sequence looks like 00000000000000000042-0000.',
  );
};

export const events = defineCommand<EventsOptions>({
  name: 'events',
  summary: 'show what happened, from the log',
  details: 'With --json each line is a CloudEvent. A sequence is good for --after and --at.',
  examples: [
    ['events', 'everything, oldest first'],
    ['events -f', 'what happens from now on, until Ctrl-C'],
    ['events -a shop --type ReleaseCreated,RolloutFailed', 'only some, of one app'],
    ['events --after 00000000000000000042-0000 --json', 'go on where you were'],
  ],
  options: [
    { flags: '-f, --follow', help: 'go on until Ctrl-C; without --after from now on' },
    {
      flags: '--after <sequence>',
      help: 'only what comes after it (default: from the first on)',
      parse: parseAfter,
    },
    { flags: '-t, --type <types>', help: 'event types, separated by commas (default: all)' },
    { flags: '-a, --app <app>', help: 'only of this app (default: all that you can see)' },
    {
      flags: '-n, --limit <count>',
      help: 'at most so many (default: all)',
      parse: parseInteger('--limit', 1, 1_000_000_000),
    },
  ],
  run: async (invocation) => {
    const { out, options } = invocation;
    if (options.app !== undefined) await invocation.app(options.app);
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    let count = 0;
    for await (const event of source(invocation)) {
      out.json(event);
      out.line(eventText(event, out.colors));
      count += 1;
      if (count >= limit) return;
    }
    if (count === 0) out.note('No events.');
  },
});

async function* source(invocation: Invocation<EventsOptions>): AsyncGenerator<CloudEvent> {
  const { follow, after } = invocation.options;
  let last = after;
  if (follow !== true || after !== undefined) {
    for await (const event of pages(invocation)) {
      last = event.sequence;
      yield event;
    }
  }
  if (follow === true) yield* followed(invocation, last);
}

const filterOf = ({ options: { app, type } }: Invocation<EventsOptions>) => ({
  ...(app !== undefined && { app }),
  ...(type !== undefined && { type }),
});

async function* pages(invocation: Invocation<EventsOptions>): AsyncGenerator<CloudEvent> {
  const { client, options } = invocation;
  const api = await client();
  const limit = String(Math.min(options.limit ?? PAGE, PAGE));
  let after = options.after;
  for (;;) {
    const page = await api.platform.events({
      ...filterOf(invocation),
      limit,
      ...(after !== undefined && { after }),
    });
    yield* page.events;
    // A page may be empty and not the last one: its events were of other types.
    if (page.end || page.next === after) return;
    after = page.next;
  }
}

const PAUSE_MS = 500;
const LOST_MS = 120_000;

/** The stream, opened again where it broke off: no event is missed and none comes twice. */
async function* followed(
  invocation: Invocation<EventsOptions>,
  from: string | undefined,
): AsyncGenerator<CloudEvent> {
  const { client, io, out } = invocation;
  const api = await client();
  let last = from;
  let lostAt: number | undefined;
  while (!io.signal.aborted) {
    try {
      const filter = { ...filterOf(invocation), ...(last !== undefined && { after: last }) };
      for await (const event of api.followEvents(filter, (sequence) => (last = sequence))) {
        lostAt = undefined;
        last = event.sequence;
        yield event;
      }
    } catch (error) {
      const isLost = error instanceof UnreachableError;
      if (!isLost && !(error instanceof ApiError && error.status === 503)) throw error;
      if (lostAt === undefined) out.note('The connection was lost; connecting again.');
      lostAt ??= performance.now();
      if (performance.now() - lostAt > LOST_MS) throw error;
    }
    await pause(PAUSE_MS, io.signal);
  }
}

const eventText = (event: CloudEvent, colors: Colors): string => {
  const { sequence, time, type, actor, subject, reason, data } = event;
  const why = reason === undefined ? '' : ` ${colors.yellow(`(${printableLine(reason)})`)}`;
  const place = colors.dim(`${sequence} ${time.slice(0, 19).replace('T', ' ')}`);
  const what = `${colors.bold(printableLine(type).padEnd(18))} ${printableLine(subject)}`;
  return `${place} ${what} ${colors.cyan(printableLine(actor))}${why} ${colors.dim(dataText(data))}`;
};

const DATA_CHARACTERS_MAX = 160;

/** The short values of an event; the rest is for --json. */
const dataText = (data: Readonly<Record<string, unknown>>): string => {
  const shown = Object.entries(data)
    .filter(([name, value]) => !name.endsWith('Id') && value !== null && typeof value !== 'object')
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
  const text = printableLine(shown);
  return text.length > DATA_CHARACTERS_MAX ? `${text.slice(0, DATA_CHARACTERS_MAX)}…` : text;
};
