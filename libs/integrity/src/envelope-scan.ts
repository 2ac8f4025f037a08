import { HASH_CHARACTERS } from './checkpoint.js';

const bytesOf = (text: string): Uint8Array => Buffer.from(text);
const [QUOTE, BACKSLASH, DOT, OPENING, CLOSING, ZERO, NINE] = [...bytesOf('"\\.{}09')] as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];
const END = bytesOf(',"v":1}');
const TO = bytesOf('","to":');
const TIME = bytesOf('","time":"');
const STREAM = bytesOf(',"stream":"');
const NULL = bytesOf('null');
const REASON = bytesOf(',"reason":');
const PREVIOUS_HASH_NULL = bytesOf(',"previousHash":null');
const PREVIOUS_HASH = bytesOf(',"previousHash":"');
const ORIGIN = bytesOf('","origin":');
const ID = bytesOf(',"id":"');
const FROM = bytesOf('],"from":');

/** 1 for every byte that is one of these characters. */
const setOf = (characters: RegExp): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => +characters.test(String.fromCharCode(byte)));
const AGGREGATE = setOf(/[a-z]/);
const STREAM_ID = setOf(/[A-Za-z0-9_-]/);
const STREAM_ID_MAX = 64;
/** As many as make a number that is still exact. */
const DIGITS_MAX = 15;
const NOT_THERE = -1;

/**
 * Where the parts of an envelope lie in the bytes of a commit, found from their end: keys are in alphabetical order
 * there, events come before. In valid JSON nothing but the members of the
 * outermost object can end like that, and where a key stood twice the last one would count: who could fool this has
 * to store what is no JSON. So it is for bytes whose hash was sworn to. One object serves for all commits of a log.
 */
export class EnvelopeScan {
  idFrom = 0;
  idTo = 0;
  streamFrom = 0;
  streamTo = 0;
  from = 0;
  to = 0;
  /** Negative: it is null. */
  previousHashFrom = 0;
  private bytes: Uint8Array = END;
  /** Everything from here on was read. */
  private at = 0;

  /** False where the bytes end otherwise: then the parts mean nothing. */
  read(bytes: Uint8Array): boolean {
    this.bytes = bytes;
    this.at = bytes.length;
    return this.isReasonToEnd() && this.isFromToPreviousHash();
  }

  private isReasonToEnd(): boolean {
    return (
      this.isAfter(END) &&
      (this.to = this.number()) >= 0 &&
      this.isAfter(TO) &&
      this.isPlainText() &&
      this.isAfter(TIME) &&
      this.isStream() &&
      this.isAfter(STREAM) &&
      (this.isAfter(NULL) || this.isText()) &&
      this.isAfter(REASON)
    );
  }

  private isFromToPreviousHash(): boolean {
    return (
      this.isPreviousHash() &&
      (this.isAfter(NULL) || this.isFlatObject()) &&
      this.isAfter(ORIGIN) &&
      this.isId() &&
      this.isAfter(ID) &&
      (this.from = this.number()) >= 0 &&
      this.isAfter(FROM)
    );
  }

  private isAfter(expected: Uint8Array): boolean {
    const { bytes } = this;
    const start = this.at - expected.length;
    if (start < 0) return false;
    for (let i = 0; i < expected.length; i += 1) if (bytes[start + i] !== expected[i]) return false;
    this.at = start;
    return true;
  }

  private number(): number {
    const { bytes, at } = this;
    let value = 0;
    let unit = 1;
    let i = at - 1;
    for (; i >= 0; i -= 1) {
      const byte = bytes[i] ?? 0;
      if (byte < ZERO || byte > NINE) break;
      value += (byte - ZERO) * unit;
      unit *= 10;
    }
    this.at = i + 1;
    const digits = at - this.at;
    return digits > 0 && digits <= DIGITS_MAX ? value : NOT_THERE;
  }

  /** The inside of a text without quotes and backslashes. */
  private isPlainText(): boolean {
    const { bytes, at } = this;
    let i = at - 1;
    for (; i >= 0; i -= 1) {
      const byte = bytes[i];
      if (byte === BACKSLASH) return false;
      if (byte === QUOTE) break;
    }
    this.at = i + 1;
    return this.at < at;
  }

  private isId(): boolean {
    this.idTo = this.at;
    const isThere = this.isPlainText();
    this.idFrom = this.at;
    return isThere;
  }

  private isStream(): boolean {
    const { bytes, at } = this;
    this.streamTo = at;
    let i = at - 1;
    while (i >= 0 && STREAM_ID[bytes[i] ?? 0] === 1) i -= 1;
    const length = at - 1 - i;
    if (length < 1 || length > STREAM_ID_MAX || bytes[i] !== DOT) return false;
    const dot = i;
    i -= 1;
    while (i >= 0 && AGGREGATE[bytes[i] ?? 0] === 1) i -= 1;
    this.streamFrom = i + 1;
    this.at = i + 1;
    return this.at < dot;
  }

  /** Whether it is a hash is seen where it is held against one. */
  private isPreviousHash(): boolean {
    this.previousHashFrom = NOT_THERE;
    if (this.isAfter(PREVIOUS_HASH_NULL)) return true;
    const { bytes, at } = this;
    const end = at - 1;
    const start = end - HASH_CHARACTERS;
    if (start < 0 || bytes[end] !== QUOTE) return false;
    this.previousHashFrom = start;
    this.at = start;
    return this.isAfter(PREVIOUS_HASH);
  }

  /** A text with its quotes: it begins at the next quote that no odd number of backslashes stands before. */
  private isText(): boolean {
    const { bytes } = this;
    let i = this.at - 1;
    if (bytes[i] !== QUOTE || this.isEscaped(i)) return false;
    do {
      i -= 1;
      while (i >= 0 && bytes[i] !== QUOTE) i -= 1;
    } while (this.isEscaped(i));
    this.at = i;
    return i >= 0;
  }

  private isEscaped(at: number): boolean {
    let i = at - 1;
    while (i >= 0 && this.bytes[i] === BACKSLASH) i -= 1;
    return (at - i) % 2 === 0;
  }

  /** An object whose texts have no braces. */
  private isFlatObject(): boolean {
    const { bytes } = this;
    let i = this.at - 1;
    if (bytes[i] !== CLOSING) return false;
    do {
      i -= 1;
      if (i < 0 || bytes[i] === CLOSING) return false;
    } while (bytes[i] !== OPENING);
    this.at = i;
    return true;
  }
}
