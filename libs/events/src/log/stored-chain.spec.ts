import { beforeEach, describe, expect, it } from 'vitest';
import { START } from '../sequence.js';
import { appendMany, newStream } from '../testing/commits.js';
import { sha256 } from './encode.js';
import type { StoredCommit } from './event-log.port.js';
import { InMemoryEventLog } from './in-memory-event-log.js';
import { StoredChain } from './stored-chain.js';

let commits: readonly StoredCommit[];
beforeEach(async () => {
  const log = new InMemoryEventLog();
  await Promise.all([appendMany(log, newStream(), 5), appendMany(log, newStream(), 5)]);
  commits = await log.readStored(START, 100);
});

const check = (all: readonly StoredCommit[]): void => {
  const chain = new StoredChain();
  for (const commit of all) chain.check(commit, commit.position);
};
const at = (i: number): StoredCommit => commits[i] as StoredCommit;
const rewritten = (commit: StoredCommit, from: string, to: string): StoredCommit => {
  const bytes = Buffer.from(Buffer.from(commit.bytes).toString().replace(from, to));
  return { ...commit, bytes, hash: sha256(bytes) };
};

describe('the chain of a stored log', () => {
  it('passes when nothing was touched', () => expect(() => check(commits)).not.toThrow());

  it.each<[string, () => readonly StoredCommit[], RegExp]>([
    ['other bytes', () => commits.with(4, { ...at(4), bytes: at(2).bytes }), /other bytes/],
    ['no JSON', () => commits.with(4, rewritten(at(4), '{', '[')), /no envelope/],
    ['no commit', () => commits.with(0, rewritten(at(0), 'actor', 'actress')), /no envelope/],
    ['another place', () => commits.with(4, { ...at(4), stream: 'app.x' }), /lies in app\.x/],
    ['another id', () => commits.with(4, { ...at(4), id: 'x' }), / as x, but is /],
    ['an altered commit', () => commits.with(2, rewritten(at(2), 'ann', 'eve')), /does not follow/],
    ['a missing one', () => commits.toSpliced(2, 1), /starts at version/],
    ['one twice', () => commits.toSpliced(2, 0, at(2)), /starts at version/],
  ])('names %s', (_, damage, message) => expect(() => check(damage())).toThrow(message));
});
