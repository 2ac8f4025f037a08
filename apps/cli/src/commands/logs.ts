import { ConnectionLostError, pause, type LogFilter, type LogLine } from '@shiplog/api-client';
import type { Colors } from 'picocolors/types.js';
import { defineCommand, type Invocation } from '../command.js';
import { usageError } from '../exit-code.js';
import { parseInteger } from '../parse/quantity.js';
import { printableLine } from '../render/printable.js';

interface LogsOptions {
  readonly follow?: boolean;
  readonly type?: string;
  readonly process?: string;
  readonly instance?: string;
  readonly tail?: number;
}

const TYPES = ['app', 'access', 'start', 'operations'];

const parseType = (text: string): string => {
  if (TYPES.includes(text)) return text;
  throw usageError(`there are no logs of type "${text}"`, `Types: ${TYPES.join(', ')}`);
};

export const logs = defineCommand<LogsOptions>({
  name: 'logs',
  summary: 'show what an app writes',
  details:
    'Types: app: what instances print (the default); access: what clients asked for, without query strings; start: why instances did not start; ' +
    'operations: what the platform did.',
  examples: [
    ['logs -a shop', 'the newest 100 lines of each instance'],
    ['logs -a shop -f', 'and what comes, until Ctrl-C'],
    ['logs -a shop --process worker --tail 20', 'of one process type'],
    ['logs -a shop --type start', 'why instances did not start'],
    ['logs -a shop --type access -f --json', 'requests as they end, one JSON document a line'],
  ],
  options: [
    { flags: '-f, --follow', help: 'go on until Ctrl-C' },
    { flags: '-t, --type <type>', help: TYPES.join(', '), parse: parseType },
    { flags: '-p, --process <process>', help: 'only of this process type' },
    { flags: '-i, --instance <instance>', help: 'only of this instance' },
    {
      flags: '-n, --tail <lines>',
      help: 'newest lines per instance to begin with (default: 100)',
      parse: parseInteger('--tail', 0, 10_000),
    },
  ],
  takes: ['app'],
  onlyNow:
    'What apps write is not in the log of events; --tail shows the last lines that are kept.',
  run: async (invocation) => {
    const { options, out } = invocation;
    const app = await invocation.app();
    const filter: LogFilter = {
      follow: options.follow === true,
      ...(options.tail !== undefined && { tail: options.tail }),
      ...(options.process !== undefined && { process: options.process }),
      ...(options.instance !== undefined && { instance: options.instance }),
      ...(options.type !== undefined && { type: options.type }),
    };
    const paint = linePainter(out.colors);
    let count = 0;
    for await (const line of logLines(invocation, app, filter)) {
      count += 1;
      out.json(line);
      out.line(paint(line));
    }
    if (count === 0) out.note('No log lines.');
  },
});

const PAUSE_MS = 1000;

/** The lines; when a followed stream breaks, it is opened again from now on, and that is said. */
async function* logLines(
  { client, out, io }: Invocation,
  app: string,
  filter: LogFilter,
): AsyncGenerator<LogLine> {
  const api = await client();
  let current = filter;
  for (;;) {
    try {
      yield* api.logs(app, current);
      // A followed stream that ends without an error was closed by a server that stops.
      if (!filter.follow || io.signal.aborted) return;
    } catch (error) {
      if (!(error instanceof ConnectionLostError) || !filter.follow) throw error;
    }
    out.note('The connection was lost; connecting again. Lines of the meantime are missing here.');
    await pause(PAUSE_MS, io.signal);
    current = { ...filter, tail: 0 };
  }
}

/** Each instance keeps its colour while it is shown. */
const linePainter = (colors: Colors): ((line: LogLine) => string) => {
  const palette = [colors.cyan, colors.green, colors.magenta, colors.blue, colors.yellow];
  const known = new Map<string, (text: string) => string>();
  return ({ time, process, instance, stream, text }) => {
    const paint = known.get(instance) ?? palette[known.size % palette.length] ?? String;
    known.set(instance, paint);
    const source = printableLine(
      instance.startsWith(process) ? instance : `${process} ${instance}`,
    );
    const shown = printableLine(text);
    const body =
      stream === 'stderr' ? colors.red(shown) : stream === 'event' ? colors.dim(shown) : shown;
    return `${colors.dim(clockText(time))} ${paint(source)} ${colors.dim('|')} ${body}`;
  };
};

/** `10:31:07.123` of an ISO 8601 time, in the time zone of the reader. */
const clockText = (time: string): string => {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return printableLine(time);
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`;
};
