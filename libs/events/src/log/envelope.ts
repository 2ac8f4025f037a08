import type { z } from 'zod';
import { COMMIT_VERSION, type storedCommit } from '../commit.js';
import { ID_PATTERN } from '../ids.js';

type Envelope = z.infer<typeof storedCommit>;
type Fields = Readonly<Record<string, unknown>>;

const TEXTS = ['id', 'stream', 'correlation', 'time'] as const;
const TEXTS_OR_NULL = ['previousHash', 'reason', 'causation'] as const;
const STREAM_PATTERN = /^[a-z]+\.[A-Za-z0-9_-]{1,64}$/;

/**
 * Whether `storedCommit` would give back this very value. Whoever reads a long log asks once for every
 * commit, and this takes a fourth of the time; what it does not know is for the schema to judge.
 */
export const isEnvelope = (value: unknown): value is Envelope =>
  hasOnly(value, 14) &&
  value['v'] === COMMIT_VERSION &&
  TEXTS.every((field) => isText(value[field])) &&
  TEXTS_OR_NULL.every((field) => isTextOrNull(value[field])) &&
  STREAM_PATTERN.test(String(value['stream'])) &&
  isCount(value['from']) &&
  isCount(value['to']) &&
  value['to'] > 0 &&
  isCommand(value['command']) &&
  isActor(value['actor']) &&
  isOrigin(value['origin']) &&
  areEvents(value['events']);

const areEvents = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(isEvent);

const isEvent = (value: unknown): boolean =>
  hasOnly(value, 3) && isText(value['type']) && isCount(value['v']) && value['data'] !== undefined;

const isCommand = (value: unknown): boolean =>
  value === null || (hasOnly(value, 2) && isText(value['id']) && isText(value['digest']));

const isActor = (value: unknown): boolean =>
  hasOnly(value, 3) &&
  (value['kind'] === 'user' || value['kind'] === 'process') &&
  isText(value['id']) &&
  ID_PATTERN.test(value['id']) &&
  isText(value['name'], 64);

const isOrigin = (value: unknown): boolean =>
  value === null ||
  (hasOnly(value, 3) &&
    (value['tokenId'] === null ||
      (isText(value['tokenId']) && ID_PATTERN.test(value['tokenId']))) &&
    isTextOrNull(value['address'], 160) &&
    isTextOrNull(value['userAgent'], 900));

/** An object of so many fields: where those that are known are there, it has no other. */
const hasOnly = (value: unknown, fields: number): value is Fields =>
  typeof value === 'object' && value !== null && Object.keys(value).length === fields;

const isText = (value: unknown, longest = Infinity): value is string =>
  typeof value === 'string' && value.length <= longest;

const isTextOrNull = (value: unknown, longest?: number): boolean =>
  value === null || isText(value, longest);

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
