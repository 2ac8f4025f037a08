import type { NamesInBytes } from '../log/event-log.port.js';
import { HASH_HEADER, LOG_STREAM } from './subjects.js';

const viewOf = (text: string): DataView => new DataView(new TextEncoder().encode(text).buffer);
const TO_ID = viewOf('NATS/1.0\r\nNats-Msg-Id: ');
const TO_VERSION = viewOf(
  `\r\nNats-Expected-Stream: ${LOG_STREAM}\r\nNats-Expected-Last-Subject-Sequence: `,
);
const TO_HASH = viewOf(`\r\n${HASH_HEADER}: `);
const TO_STREAM = viewOf(`\r\nNats-Stream: ${LOG_STREAM}\r\nNats-Subject: log.`);
const TO_SEQUENCE = viewOf('\r\nNats-Sequence: ');
const END_OF_LINE = viewOf('\r');
const ZERO = 48;

/**
 * Whether the header block at `from` is the one that `StreamApi.publish` and the server write before the data at
 * `dataFrom`: exactly these lines in this order, up to the sequence. So each line that counts is the first of its name,
 * which is the one that `fromHeaders` reads. Compared where it lies: of a long log nearly every block is such a one.
 */
export const isHeaderBlockOf = (
  chunk: DataView,
  from: number,
  dataFrom: number,
  { place, hash, names }: { place: number; hash: DataView; names: NamesInBytes },
): boolean => {
  const { idFrom, idTo, streamFrom, streamTo } = names;
  let at = pastAll(chunk, from, TO_ID);
  at = past(chunk, at, chunk, dataFrom + idFrom, dataFrom + idTo);
  at = pastAll(chunk, at, TO_VERSION);
  at = pastDigits(chunk, at);
  at = pastAll(chunk, at, TO_HASH);
  at = pastAll(chunk, at, hash);
  at = pastAll(chunk, at, TO_STREAM);
  at = past(chunk, at, chunk, dataFrom + streamFrom, dataFrom + streamTo);
  at = pastAll(chunk, at, TO_SEQUENCE);
  return isLineAt(chunk, at, place);
};

const NOT_THERE = -1;

/** The place after `from`..`to` of the other bytes, if they lie there. Four at a time, which is three times as fast. */
const past = (block: DataView, at: number, other: DataView, from: number, to: number): number => {
  const distance = at - from;
  if (at < 0 || distance + to > block.byteLength) return NOT_THERE;
  let i = from;
  for (; i + 4 <= to; i += 4)
    if (block.getInt32(distance + i) !== other.getInt32(i)) return NOT_THERE;
  for (; i < to; i += 1) if (block.getUint8(distance + i) !== other.getUint8(i)) return NOT_THERE;
  return distance + to;
};

const pastAll = (block: DataView, at: number, other: DataView): number =>
  past(block, at, other, 0, other.byteLength);

const digitAt = (block: DataView, at: number): number => {
  const digit = at < block.byteLength ? block.getUint8(at) - ZERO : NOT_THERE;
  return digit > 9 ? NOT_THERE : digit;
};

const pastDigits = (block: DataView, at: number): number => {
  if (at < 0) return NOT_THERE;
  let end = at;
  while (digitAt(block, end) >= 0) end += 1;
  return end;
};

const isLineAt = (block: DataView, at: number, number: number): boolean => {
  if (at < 0) return false;
  let value = 0;
  let end = at;
  for (let digit = digitAt(block, end); digit >= 0; digit = digitAt(block, (end += 1)))
    value = value * 10 + digit;
  return value === number && end > at && pastAll(block, end, END_OF_LINE) > end;
};
