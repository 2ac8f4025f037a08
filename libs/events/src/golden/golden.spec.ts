import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeCommit, encodeCommit, sha256 } from '../log/encode.js';
import { NO_COMMIT, commitAfter, newStream } from '../testing/commits.js';
import { schemaByAggregate } from '../registry.js';
import { upcast, type StoredEvent } from '../upcast.js';
import { eventTypes } from '../event-types.js';
import { COMMIT_VERSION } from '../commit.js';
import { upcasters } from '../upcasters.js';
import { releasedEnvelope, releasedSchemaOf } from './released-schema.js';

const folder = new URL('./events/', import.meta.url);
const files = readdirSync(folder);
const read = (file: string): StoredEvent =>
  JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as StoredEvent;

const parseAsToday = (event: unknown): boolean =>
  Object.values(schemaByAggregate).some((schema) => schema.safeParse(event).success);

describe('events only grow', () => {
  it.each(files)('%s decodes to the shape of today', (file) => {
    const stored = read(file);
    expect(`${stored.type}.v${stored.v}.json`).toBe(file);
    const today = upcast(stored);
    expect(parseAsToday(today)).toBe(true);
    if (today.v === stored.v) expect(today).toEqual(stored);
  });

  it.each(files)('%s goes through a commit and comes back', (file) => {
    const today = upcast(read(file));
    const bytes = encodeCommit(commitAfter(newStream(), NO_COMMIT, { events: [today] }));
    expect(decodeCommit(bytes, sha256(bytes), '1').events).toEqual([today]);
  });

  it('every event type has a golden file of every version', () => {
    const wanted = eventTypes().flatMap(({ type, v }) =>
      Array.from({ length: v }, (_, i) => `${type}.v${i + 1}.json`),
    );
    expect(files.toSorted()).toEqual(wanted.toSorted());
  });
});

describe('a released schema', () => {
  const schemaFolder = new URL('./schemas/', import.meta.url);
  const released = (name: string, v: number): unknown =>
    JSON.parse(readFileSync(new URL(`${name}.v${v}.json`, schemaFolder), 'utf8'));
  const WAY_OUT =
    'Processes and logs out there rely on it, so it never changes, not even by an optional field. Instead: ' +
    'raise the version in defineEvent, write the upcaster from the old one (libs/events/src/upcasters.ts), and run ' +
    'npx tsc -b libs/events && node libs/events/dist/golden/write-golden.js';

  it.each(eventTypes())('of $type version $v is as it was released', ({ type, v }) => {
    const message = `The schema of ${type} version ${v} was changed. ${WAY_OUT}`;
    expect(releasedSchemaOf(type), message).toEqual(released(type, v));
  });

  it('of the envelope is as it was released', () => {
    const message = `The envelope of version ${COMMIT_VERSION} was changed. ${WAY_OUT}`;
    expect(releasedEnvelope(), message).toEqual(released('commit', COMMIT_VERSION));
  });

  it('is kept of every version, and has an upcaster to the next one', () => {
    const wanted = eventTypes().flatMap(({ type, v }) =>
      Array.from({ length: v }, (_, i) => `${type}.v${i + 1}.json`),
    );
    const envelopes = Array.from({ length: COMMIT_VERSION }, (_, i) => `commit.v${i + 1}.json`);
    expect(readdirSync(schemaFolder).toSorted()).toEqual([...wanted, ...envelopes].toSorted());
    const steps = eventTypes().flatMap(({ type, v }) =>
      Array.from({ length: v - 1 }, (_, i) => `${type}.${i + 1}`),
    );
    expect(Object.keys(upcasters).toSorted()).toEqual(steps.toSorted());
  });
});

describe('the envelope', () => {
  const commitFolder = new URL('./commits/', import.meta.url);

  it.each(readdirSync(commitFolder))('%s is read and written byte for byte', (file) => {
    const { hash, text } = JSON.parse(readFileSync(new URL(file, commitFolder), 'utf8')) as {
      hash: string;
      text: string;
    };
    const commit = decodeCommit(new TextEncoder().encode(text), hash, '1');
    expect(new TextDecoder().decode(encodeCommit(commit))).toBe(text);
  });
});
