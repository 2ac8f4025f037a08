import type { IncomingMessage } from 'node:http';
import { Problem } from './problem.js';

const JSON_BYTES_MAX = 1024 * 1024;
const DEPTH_MAX = 64;
/** A body of this size takes a second on a bad line; who needs longer is not trying. */
const READ_MS = 30_000;

/** The JSON value of a body, or `{}` where there is none. Reads never more than the limit. */
export const readJsonBody = async (request: IncomingMessage): Promise<unknown> => {
  const declared = request.headers['content-length'];
  const isEmpty =
    declared === '0' ||
    (declared === undefined && request.headers['transfer-encoding'] === undefined);
  if (isEmpty) return {};
  if (declared !== undefined && Number(declared) > JSON_BYTES_MAX) throw tooLarge(Number(declared));
  requireJson(request);
  const text = await readText(request);
  return text.trim() === '' ? {} : parse(text);
};

const requireJson = (request: IncomingMessage): void => {
  const type = request.headers['content-type'] ?? '';
  const isJson = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type);
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (isJson && encoding === 'identity') return;
  const got = isJson
    ? `content encoding "${encoding}"`
    : type === ''
      ? 'no media type'
      : `"${type}"`;
  throw new Problem(
    'unsupported-media-type',
    `The body has ${got}; this operation takes JSON: send "Content-Type: application/json", not compressed.`,
  );
};

/** The whole text, or a refusal that still goes out on the same connection: it is not cut off here. */
const readText = async (request: IncomingMessage): Promise<string> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(tooSlow()), READ_MS);
  });
  const reading = readBytes(request);
  // When it is late, nobody waits for it any more.
  reading.catch(() => undefined);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await Promise.race([reading, late]));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Problem('body-not-json', 'The body is not UTF-8; JSON is always UTF-8.');
  } finally {
    clearTimeout(timer);
  }
};

const readBytes = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > JSON_BYTES_MAX) throw tooLarge(undefined);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

const tooSlow = (): Problem =>
  new Problem('request-timeout', `The body did not arrive within ${READ_MS / 1000} s.`);

const tooLarge = (bytes: number | undefined): Problem =>
  new Problem(
    'body-too-large',
    `The body has ${bytes === undefined ? 'more than' : `${bytes} bytes; the limit is`} ${JSON_BYTES_MAX} bytes. Sources go to POST /v1/apps/{app}/sources, which takes more.`,
  );

const parse = (text: string): unknown => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : '';
    // The parser quotes what it read; a secret may stand there. Only the place is passed on.
    const place = /at position (\d+)/.exec(reason)?.[1];
    throw new Problem(
      'body-not-json',
      `The body is not JSON${place === undefined ? ': it ends too early' : `: character ${place} does not belong there`}.`,
    );
  }
  refuseTraps(value);
  return value;
};

/** Without recursion: a body of half a million brackets must not overflow the stack. */
const refuseTraps = (value: unknown): void => {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEPTH_MAX) {
      throw new Problem('body-not-json', `The body is nested deeper than ${DEPTH_MAX} levels.`);
    }
    level = level.flatMap((item) => {
      if (typeof item !== 'object' || item === null) return [];
      if (Object.hasOwn(item, '__proto__')) {
        throw new Problem('invalid-body', 'A field cannot be called "__proto__".');
      }
      return Object.values(item) as unknown[];
    });
  }
};
