import type { AuditEntry } from '@shiplog/api-client';

export const FORMATS = ['ndjson', 'csv', 'cloudevents'] as const;
export type ExportFormat = (typeof FORMATS)[number];

/** How one entry is written, and what stands before the first. */
export interface EntryWriter {
  readonly head: string;
  readonly line: (entry: AuditEntry) => string;
}

/** `platform`: its name, for events that leave it. */
export const entryWriter = (format: ExportFormat, platform: string): EntryWriter => {
  switch (format) {
    case 'ndjson':
      return { head: '', line: (entry) => `${JSON.stringify(entry)}\n` };
    case 'csv':
      return {
        head: csvLine(COLUMNS),
        line: (entry) => csvLine(COLUMNS.map((c) => cell(entry[c]))),
      };
    case 'cloudevents':
      return { head: '', line: (entry) => `${JSON.stringify(cloudEvent(entry, platform))}\n` };
  }
};

/** Grows at its end only: whoever counts columns goes on doing so. */
const COLUMNS = [
  'sequence',
  'time',
  'lastTime',
  'count',
  'outcome',
  'code',
  'actions',
  'actor',
  'actorId',
  'actorKind',
  'token',
  'tokenId',
  'address',
  'userAgent',
  'app',
  'appId',
  'target',
  'keys',
  'reason',
  'correlation',
  'causation',
  'id',
] as const satisfies readonly (keyof AuditEntry)[];

const cell = (value: AuditEntry[keyof AuditEntry]): string =>
  harmless(Array.isArray(value) ? value.join(' ') : String(value ?? ''));

/**
 * A spreadsheet takes a cell that begins like this for a formula and carries it out; with an apostrophe
 * before it, it is text (OWASP, "CSV Injection").
 */
const harmless = (text: string): string =>
  /^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text;

/** RFC 4180: CRLF, and quotes around what needs them. */
const csvLine = (cells: readonly string[]): string =>
  `${cells
    .map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
    .join(',')}\r\n`;

/** CloudEvents 1.0 in JSON. Attributes beside those of the standard are the ones that are filtered on. */
const cloudEvent = (entry: AuditEntry, platform: string): object => ({
  specversion: '1.0',
  id: entry.id,
  source: `/platforms/${platform}/audit`,
  type: `shiplog.audit.${entry.outcome}`,
  ...(entry.target === null ? {} : { subject: entry.target }),
  time: entry.time,
  datacontenttype: 'application/json',
  sequence: entry.sequence,
  ...(entry.actor === null ? {} : { actor: entry.actor }),
  correlation: entry.correlation,
  ...(entry.causation === null ? {} : { causation: entry.causation }),
  data: entry,
});
