import { ACCESS_FIELDS } from '../access/parse-line.js';

/** Name of the ring; also what the runtime API calls it. */
export const ACCESS_RING = 'access';
/** About 15,000 lines: three seconds of 5,000 requests a second. When it is full, lines are lost and no request waits. */
const RING_BYTES = 4 * 1024 * 1024;
const LINE_BYTES_MAX = 2048;

export const accessRing = (): readonly string[] => [
  'format raw',
  `maxlen ${LINE_BYTES_MAX}`,
  `size ${RING_BYTES}`,
];

/** HAProxy itself writes control characters and quotes of a request as `#` and two digits. */
const FORMAT: Readonly<Record<(typeof ACCESS_FIELDS)[number], string>> = {
  time: '%Ts.%ms',
  app: '%[var(txn.app)]',
  server: '%b/%s',
  id: '%ID',
  method: '%HM',
  // Of a host that nobody has it may be any text.
  host: '%[var(txn.host),url_enc]',
  status: '%ST',
  bytesIn: '%U',
  bytesOut: '%B',
  duration: '%Ta',
  queue: '%Tw',
  retries: '%rc',
  termination: '%ts',
  path: '%HPO',
};

/** An id for each request, which its app gets, too: added after all rules, and what a client says is removed by one of them. */
export const requestIdLines = (): readonly string[] => [
  'unique-id-format %[uuid()]',
  'unique-id-header X-Request-Id',
];

/** In the frontend. The query string is not in it: secrets lie there. */
export const accessLogLines = (): readonly string[] => [
  `log ring@${ACCESS_RING} len ${LINE_BYTES_MAX} format raw local0`,
  `log-format "${ACCESS_FIELDS.map((field) => FORMAT[field]).join(' ')}"`,
];
