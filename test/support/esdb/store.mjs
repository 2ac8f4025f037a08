import { setImmediate } from 'node:timers';
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  openSync,
  readFileSync,
  truncateSync,
  writeSync,
} from 'node:fs';

/**
 * The events of the double, durable: one line each in a file that only grows. An append is answered when
 * fdatasync returned. A position is the offset of the line, so that, as upstream, it has gaps and names
 * a record or nothing.
 */
export class Store {
  /** All events in the order of the log. */
  all = [];
  #streams = new Map();
  /** Next revision per stream, also of events on their way to the disk. */
  #ends = new Map();
  #tombstones = new Set();
  #waiting = [];
  #listeners = new Set();
  #isFlushing = false;
  #offset = 0;
  #file;

  constructor(path) {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    // A line without its end was never answered.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    for (const line of whole.split('\n')) if (line !== '') this.#admit(this.#placed(line));
    if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
    this.#file = openSync(path, 'a');
    if (this.#offset === 0) this.#writeNow([this.#lineOf(systemEvent('$users', '$UserCreated'))]);
  }

  events(stream) {
    return this.#streams.get(stream) ?? [];
  }

  isTombstoned(stream) {
    return this.#tombstones.has(stream);
  }

  /** The metadata of a stream, as its metastream has it last. */
  metadata(stream) {
    const last = this.events(`$$${stream}`).at(-1);
    return last === undefined ? {} : JSON.parse(Buffer.from(last.data, 'base64').toString());
  }

  /** What reading a stream shows: `$maxCount` and `$tb` hide, only a scavenge removes. */
  visible(stream) {
    const { $maxCount = Infinity, $tb = 0 } = this.metadata(stream);
    const events = this.events(stream);
    return events.slice(Math.max($tb, events.length - $maxCount));
  }

  /** Resolves with `{ outcome, revision, position }` when the disk has it. */
  append(stream, expected, events) {
    return new Promise((resolve) => {
      this.#waiting.push({ stream, expected, events, resolve });
      if (!this.#isFlushing) setImmediate(() => this.#flush());
      this.#isFlushing = true;
    });
  }

  tombstone(stream) {
    return this.append(stream, 'any', [{ ...systemEvent(stream, '$streamDeleted') }]);
  }

  onEvents(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close() {
    closeSync(this.#file);
  }

  /** All that came meanwhile, in one write and one sync. */
  #flush() {
    const turn = this.#waiting.splice(0);
    const answers = turn.map((request) => ({ request, answer: this.#decide(request) }));
    const lines = answers.flatMap(({ answer }) => answer.lines ?? []);
    // Upstream writes its statistics among the events of users.
    if (lines.length > 0 && this.all.length % 7 === 0) {
      lines.push(this.#lineOf(systemEvent('$stats-127.0.0.1:2113', '$statsCollected')));
    }
    if (lines.length > 0) this.#writeNow(lines);
    for (const { request, answer } of answers) {
      const stored = this.events(request.stream)[answer.revision];
      request.resolve({ ...answer, position: stored?.position });
    }
    this.#isFlushing = this.#waiting.length > 0;
    if (this.#isFlushing) setImmediate(() => this.#flush());
  }

  #decide({ stream, expected, events }) {
    if (this.#tombstones.has(stream)) return { outcome: 'deleted' };
    const next = this.#ends.get(stream) ?? 0;
    const first = this.#firstOf(stream, expected, events, next);
    if (first !== undefined) return { outcome: 'appended', revision: first + events.length - 1 };
    if (!isExpected(expected, next)) return { outcome: 'wrong', current: next - 1 };
    const lines = events.map((event) => this.#lineOf({ ...event, stream }));
    return { outcome: 'appended', revision: next + events.length - 1, lines };
  }

  /** The same ids where they were expected: written before, and told so again, whatever their bytes. */
  #firstOf(stream, expected, events, next) {
    const from = expected === 'none' ? 0 : typeof expected === 'number' ? expected + 1 : undefined;
    if (from === undefined || from >= next) return undefined;
    return events.every(({ id }, i) => id === this.#idAt(stream, from + i)) ? from : undefined;
  }

  /** Also of what is in the same write. */
  #idAt(stream, revision) {
    const events = this.events(stream);
    return events[revision]?.id ?? this.#pendingIds.get(stream)?.[revision - events.length];
  }
  #pendingIds = new Map();

  #lineOf(event) {
    const revision = this.#ends.get(event.stream) ?? 0;
    this.#ends.set(event.stream, revision + 1);
    const pending = this.#pendingIds.get(event.stream) ?? [];
    this.#pendingIds.set(event.stream, [...pending, event.id]);
    return JSON.stringify({ ...event, revision, created: (Date.now() * 10_000).toString() });
  }

  #writeNow(lines) {
    writeSync(this.#file, lines.map((line) => `${line}\n`).join(''));
    fdatasyncSync(this.#file);
    this.#pendingIds.clear();
    const events = lines.map((line) => this.#placed(line));
    for (const event of events) this.#admit(event);
    for (const listener of this.#listeners) listener();
  }

  #placed(line) {
    const position = this.#offset;
    this.#offset += Buffer.byteLength(line) + 1;
    return { ...JSON.parse(line), position };
  }

  #admit(event) {
    this.all.push(event);
    const stream = this.#streams.get(event.stream) ?? [];
    stream.push(event);
    this.#streams.set(event.stream, stream);
    this.#ends.set(event.stream, event.revision + 1);
    if (event.type === '$streamDeleted') this.#tombstones.add(event.stream);
  }
}

export const isExpected = (expected, next) =>
  expected === 'any' ||
  (expected === 'none' && next === 0) ||
  (expected === 'exists' && next > 0) ||
  expected === next - 1;

let made = 0;
const systemEvent = (stream, type) => ({
  stream,
  id: `00000000-0000-4000-8000-${(Date.now() * 1000 + (made++ % 1000)).toString(16).padStart(12, '0').slice(-12)}`,
  type,
  contentType: 'application/json',
  metadata: '',
  data: Buffer.from('{}').toString('base64'),
});
