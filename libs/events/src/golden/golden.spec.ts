import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeCommit, encodeCommit, sha256 } from '../log/encode.js';
import { NO_COMMIT, commitAfter, newStream } from '../testing/commits.js';
import { schemaByAggregate } from '../registry.js';
import { upcast, type StoredEvent } from '../upcast.js';
import { eventTypes } from '../event-types.js';

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
