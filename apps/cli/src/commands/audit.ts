import { resolve } from 'node:path';
import type { AuditEntry } from '@shiplog/api-client';
import { entryWriter, FORMATS, type ExportFormat } from '../audit/export-format.js';
import { auditEntries, FILTERS, type FilterOptions } from '../audit/filter.js';
import { writeWhole } from '../audit/write-file.js';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { usageError } from '../exit-code.js';
import { parseInteger } from '../parse/quantity.js';
import { printableLine } from '../render/printable.js';
import type { Column } from '../render/table.js';
import { rotateKey, signingKey, verify } from './audit-verify.js';

const SHOWN = 50;

const outcomeText = ({ outcome, code, count }: AuditEntry): string =>
  outcome === 'unlisted'
    ? `${outcome}: ${count} more`
    : `${outcome}${code === null ? '' : `: ${code}`}${count === 1 ? '' : ` (${count} times)`}`;

const REFUSED = new Set<AuditEntry['outcome']>(['rejected', 'conflict', 'denied', 'unlisted']);

const whoText = ({ outcome, actor }: AuditEntry): string =>
  actor ?? (outcome === 'unlisted' ? '(several)' : '(unknown)');

const onText = ({ app, target, keys }: AuditEntry): string =>
  [app ?? target ?? '', keys.slice(0, 5).join(',') + (keys.length > 5 ? ',…' : '')]
    .filter((text) => text !== '')
    .join(' ');

const fromText = ({ token, address, userAgent }: AuditEntry): string =>
  [token, address, userAgent?.split(' ', 1)[0]].filter((text) => text != null).join(' ');

const columns = ({ out }: Invocation<FilterOptions>): readonly Column<AuditEntry>[] => [
  { title: 'time', value: ({ time }) => time.slice(0, 19).replace('T', ' ') },
  { title: 'who', value: whoText },
  { title: 'from', value: fromText },
  { title: 'what', value: ({ actions }) => actions.join(', ') },
  { title: 'on', value: onText },
  {
    title: 'outcome',
    value: outcomeText,
    paint: (text, { outcome }) => (REFUSED.has(outcome) ? out.colors.red(text) : text),
  },
  { title: 'why', value: ({ reason }) => reason },
  { title: 'sequence', value: ({ sequence }) => sequence },
];

const list = defineCommand<FilterOptions & { limit?: number }>({
  name: 'list',
  summary: 'who did what, when, from where and why',
  details:
    'Changes that people made, what was refused to them, and who was shown config values; newest first. ' +
    'With --json all that match, one object per line. Administrators see everything, others what concerns ' +
    'the apps of their teams and themselves.',
  examples: [
    ['audit', 'the newest of everything'],
    ['audit --app shop --since 7d', 'of one app in the last week'],
    ['audit --actor ann --outcome denied,rejected', 'what ann was refused'],
    ['audit --outcome read --app shop', 'who was shown config values'],
    ['audit --correlation 0190… --all', 'what one request caused'],
  ],
  options: [
    ...FILTERS,
    {
      flags: '-n, --limit <count>',
      help: `at most so many (default: ${SHOWN} in a table)`,
      parse: parseInteger('--limit', 1, 1_000_000_000),
    },
  ],
  onlyNow: 'An audit is of a stretch of time: use --since and --until.',
  run: async (invocation) => {
    const { out, options, client } = invocation;
    const limit = options.limit ?? (out.isJson ? Number.POSITIVE_INFINITY : SHOWN);
    const rows: AuditEntry[] = [];
    let count = 0;
    for await (const entry of auditEntries(invocation, await client())) {
      if (count === limit) {
        if (options.limit === undefined) out.note(MORE);
        break;
      }
      count += 1;
      if (out.isJson) out.json(entry);
      else rows.push(entry);
    }
    await out.table(rows, columns(invocation), 'Nothing of the kind happened.');
  },
});
const MORE = 'There is more: -n 500, filters, or `shiplog audit export`.';

const parseFormat = (text: string): ExportFormat => {
  const format = FORMATS.find((one) => one === text);
  if (format !== undefined) return format;
  throw usageError(`--format: there is no "${text}"`, `There are ${FORMATS.join(', ')}.`);
};

const exportAudit = defineCommand<FilterOptions & { format?: ExportFormat; output?: string }>({
  name: 'export',
  summary: 'write the audit as NDJSON, CSV or CloudEvents',
  details:
    'Streams, so it may be as long as it likes. A file is there whole or, if something goes wrong, as it was before. ' +
    'In CSV, text that a spreadsheet would take for a formula has an apostrophe before it.',
  examples: [
    ['audit export --format csv -o audit.csv --since 30d', 'a month, for a spreadsheet'],
    ['audit export --format cloudevents | ship-to-siem', 'everything, for another system'],
  ],
  options: [
    {
      flags: '--format <format>',
      help: `${FORMATS.join(', ')} (default: ndjson)`,
      parse: parseFormat,
    },
    { flags: '-o, --output <file>', help: 'into this file (default: standard output)' },
    ...FILTERS,
  ],
  run: async (invocation) => {
    const { options, client, io, out } = invocation;
    const api = await client();
    const { platform } = await api.platform.whoami();
    const writer = entryWriter(options.format ?? 'ndjson', platform);
    let count = 0;
    async function* texts(): AsyncGenerator<string> {
      if (writer.head !== '') yield writer.head;
      for await (const entry of auditEntries(invocation, api)) {
        count += 1;
        yield writer.line(entry);
      }
    }
    if (options.output === undefined) {
      for await (const text of texts()) await written(io.stdout, text);
      return;
    }
    const file = resolve(io.cwd, options.output);
    await writeWhole(file, texts());
    out.json({ file, entries: count, format: options.format ?? 'ndjson' });
    out.line(`${count} entries in ${printableLine(options.output)}.`);
  },
});

/** At the pace of who reads. */
const written = (screen: Invocation['io']['stdout'], text: string): Promise<void> =>
  new Promise((done, failed) => {
    screen.write(text, (error) => (error == null ? done() : failed(error)));
  });

const erase = defineCommand<{ confirm?: string }>({
  name: 'erase',
  args: [['<user>', 'name or id of the person']],
  summary: 'make unreadable for ever from where a person called',
  details:
    'For administrators. Addresses and programs in what was recorded of the person cannot be read any more, in any ' +
    'copy of the log; their key is deleted. The log keeps its bytes and stays verifiable; who did what, by user ' +
    'name, stays too. Delete the key also from backups: docs/audit.md.',
  examples: [['audit erase ann --confirm ann -m "asked to, ticket 17"', 'cannot be taken back']],
  options: [{ flags: '--confirm <user>', help: 'the name once more' }],
  takes: ['reason'],
  run: async ({ args, options, client, change, out }) => {
    const user = args[0] ?? '';
    if (options.confirm === undefined) {
      throw usageError(
        'this cannot be taken back, so it needs --confirm',
        `Write: shiplog audit erase ${user} --confirm ${user}`,
      );
    }
    const answer = await (await client()).audit.erase({ user, confirm: options.confirm }, change);
    out.json(answer);
    out.line(`Erased from where ${printableLine(answer.user)} called.`);
  },
});

export const audit: GroupSpec = {
  name: 'audit',
  summary: 'who did what, when, from where and why',
  commands: [list, exportAudit, verify, signingKey, rotateKey, erase],
  main: 'list',
};
