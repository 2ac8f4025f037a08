import type { NamesInBytes } from '../log/event-log.port.js';
import { HASH_HEADER, LOG_STREAM } from './subjects.js';

const TO_ID = Buffer.from('NATS/1.0\r\nNats-Msg-Id: ');
const TO_VERSION = Buffer.from(
  `\r\nNats-Expected-Stream: ${LOG_STREAM}\r\nNats-Expected-Last-Subject-Sequence: `,
);
const TO_HASH = Buffer.from(`\r\n${HASH_HEADER}: `);
const TO_STREAM = Buffer.from(`\r\nNats-Stream: ${LOG_STREAM}\r\nNats-Subject: log.`);
const TO_SEQUENCE = Buffer.from('\r\nNats-Sequence: ');
const CARRIAGE_RETURN = 13;
const ZERO = 48;
const NINE = 57;
const HASH_LENGTH = 64;

/**
 * Whether a header block, from `from` on, is the one that `StreamApi.publish` and the server write around these
 * bytes: exactly these lines in this order, up to the sequence. So each line that counts is the first of its name,
 * which is the one that `fromHeaders` reads. Compared where it lies: of a long log nearly every block is such a one.
 */
export const isHeaderBlockOf = (
  block: Uint8Array,
  from: number,
  bytes: Uint8Array,
  { place, hash, names }: { place: number; hash: Uint8Array; names: NamesInBytes },
): boolean => {
  const { idFrom, idTo, streamFrom, streamTo } = names;
  let at = past(block, from, TO_ID, 0, TO_ID.length);
  at = past(block, at, bytes, idFrom, idTo);
  at = past(block, at, TO_VERSION, 0, TO_VERSION.length);
  at = pastDigits(block, at);
  at = past(block, at, TO_HASH, 0, TO_HASH.length);
  at = past(block, at, hash, 0, HASH_LENGTH);
  at = past(block, at, TO_STREAM, 0, TO_STREAM.length);
  at = past(block, at, bytes, streamFrom, streamTo);
  at = past(block, at, TO_SEQUENCE, 0, TO_SEQUENCE.length);
  return isNumberAt(block, at, place);
};

const NOT_THERE = -1;

/** The place after `from`..`to` of these bytes, if they lie there. */
const past = (
  block: Uint8Array,
  at: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): number => {
  if (at < 0) return NOT_THERE;
  const distance = at - from;
  for (let i = from; i < to; i += 1) if (block[distance + i] !== bytes[i]) return NOT_THERE;
  return distance + to;
};

const isDigit = (byte: number | undefined): byte is number =>
  byte !== undefined && byte >= ZERO && byte <= NINE;

const pastDigits = (block: Uint8Array, at: number): number => {
  if (at < 0) return NOT_THERE;
  let end = at;
  while (isDigit(block[end])) end += 1;
  return end;
};

const isNumberAt = (block: Uint8Array, at: number, number: number): boolean => {
  if (at < 0) return false;
  let value = 0;
  let end = at;
  for (let byte = block[end]; isDigit(byte); byte = block[(end += 1)])
    value = value * 10 + byte - ZERO;
  return value === number && end > at && block[end] === CARRIAGE_RETURN;
};
