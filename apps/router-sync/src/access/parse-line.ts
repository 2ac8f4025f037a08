/** A line as a proxy writes it; whose request it was is the proxy's own word for it. */
export interface RawAccess {
  readonly timeMs: number;
  readonly appId: string | null;
  /** HAProxy: `slot0001/s3`; Nginx: the instance. Null: it reached none. */
  readonly server: string | null;
  readonly requestId: string | null;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  readonly queueMs: number;
  readonly retries: number;
  readonly termination: string;
}

/**
 * Fields that are separated by one space each, the path last. No field has a space or a control character:
 * proxies write those as `#` and two hexadecimal digits. -1 stands for what was not measured.
 */
export const ACCESS_FIELDS = [
  'time',
  'app',
  'server',
  'id',
  'method',
  'host',
  'status',
  'bytesIn',
  'bytesOut',
  'duration',
  'queue',
  'retries',
  'termination',
  'path',
] as const;

/** Undefined for what is no line: it is counted, and nothing else. */
export const parseAccessLine = (line: string): RawAccess | undefined => {
  const fields = line.split(' ');
  if (fields.length !== ACCESS_FIELDS.length) return undefined;
  const text = (i: number): string => fields[i] ?? '-';
  const given = (i: number): string | null => (text(i) === '-' ? null : decoded(text(i)));
  const [timeMs, status, bytesIn, bytesOut, durationMs, queueMs, retries] = [
    Number(text(0)) * 1000,
    ...[6, 7, 8, 9, 10, 11].map((i) => Number(text(i).replace(/^[+]/, ''))),
  ] as [number, number, number, number, number, number, number];
  if (![timeMs, status, bytesIn, bytesOut, durationMs, queueMs, retries].every(Number.isFinite))
    return undefined;
  return {
    timeMs: Math.round(timeMs),
    appId: given(1),
    server: /^<|\/<|^-$/.test(text(2)) ? null : text(2),
    requestId: given(3),
    method: decoded(text(4)),
    host: decoded(text(5)),
    status,
    bytesIn: Math.max(0, bytesIn),
    bytesOut: Math.max(0, bytesOut),
    durationMs: Math.max(0, durationMs),
    queueMs: Math.max(0, queueMs),
    retries: Math.max(0, retries),
    termination: text(12),
    path: decoded(text(13)),
  };
};

const decoded = (text: string): string =>
  text.includes('#')
    ? text.replaceAll(/#([0-9A-Fa-f]{2})/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 16)),
      )
    : text;

/** Of chunks of text, whole lines. One that is longer than this is given up. */
const LINE_LENGTH_MAX = 16 * 1024;

export class LineSplitter {
  private rest = '';

  constructor(private readonly onLine: (line: string) => void) {}

  push(chunk: string): void {
    const lines = (this.rest + chunk).split('\n');
    this.rest = lines.pop() ?? '';
    if (this.rest.length > LINE_LENGTH_MAX) this.rest = '';
    for (const line of lines) if (line !== '') this.onLine(line);
  }
}
