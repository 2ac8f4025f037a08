import type { AuditEntry, ShiplogClient } from '@shiplog/api-client';
import type { Invocation, OptionSpec } from '../command.js';
import { usageError } from '../exit-code.js';
import { parseMoment } from '../parse/moment.js';

export interface FilterOptions {
  readonly actor?: string;
  readonly app?: string;
  readonly type?: string;
  readonly outcome?: string;
  readonly since?: string;
  readonly until?: string;
  readonly correlation?: string;
  readonly all?: boolean;
  readonly oldestFirst?: boolean;
}

const OUTCOMES = ['done', 'rejected', 'conflict', 'denied', 'read', 'unlisted'];

const parseOutcome = (text: string): string => {
  const wrong = text.split(',').find((word) => !OUTCOMES.includes(word));
  if (wrong === undefined) return text;
  throw usageError(`--outcome: there is no "${wrong}"`, `There are ${OUTCOMES.join(', ')}.`);
};

/** What list and export choose by. */
export const FILTERS: readonly OptionSpec[] = [
  { flags: '--actor <name>', help: 'only of this user or process' },
  { flags: '-a, --app <app>', help: 'only of this app, also a destroyed one' },
  {
    flags: '-t, --type <types>',
    help: 'event types or operations (exec, scaleApp), separated by commas',
  },
  {
    flags: '--outcome <outcomes>',
    help: `${OUTCOMES.join(', ')}; several separated by commas`,
    parse: parseOutcome,
  },
  { flags: '--since <moment>', help: 'from then on: a time, 2h, 3d, or a sequence' },
  { flags: '--until <moment>', help: 'up to then' },
  { flags: '--correlation <id>', help: 'everything that one request caused' },
  { flags: '--all', help: 'also what processes did on their own account' },
  { flags: '--oldest-first', help: 'in the order of the log (default: newest first)' },
];

const PAGE = '500';

const queryOf = ({ options, io }: Pick<Invocation<FilterOptions>, 'options' | 'io'>) => {
  const { all, oldestFirst, since, until, ...same } = options;
  const moment = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : parseMoment(text, io.now());
  return withoutAbsent({
    actor: same.actor,
    app: same.app,
    type: same.type,
    outcome: same.outcome,
    correlation: same.correlation,
    since: moment(since),
    until: moment(until),
    by: all === true ? ('all' as const) : undefined,
    order: oldestFirst === true ? ('oldest' as const) : undefined,
  });
};

type Present<T> = { [K in keyof T]?: NonNullable<T[K]> };

const withoutAbsent = <T extends object>(value: T): Present<T> =>
  Object.fromEntries(Object.entries(value).filter(([, it]) => it !== undefined)) as Present<T>;

/** All entries that are wanted, page after page. */
export async function* auditEntries(
  invocation: Pick<Invocation<FilterOptions>, 'options' | 'io'>,
  client: ShiplogClient,
): AsyncGenerator<AuditEntry> {
  const filter = queryOf(invocation);
  let cursor: string | undefined;
  do {
    const page = await client.audit.page({
      ...filter,
      limit: PAGE,
      ...(cursor !== undefined && { cursor }),
    });
    yield* page.entries;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && !invocation.io.signal.aborted);
}
