import { toPosition, type StreamName } from '@shiplog/events';
import { InMemoryEventLog, type StoredCommit } from '@shiplog/events/log';
import { commitAfter, endOf } from '@shiplog/events/testing';
import { seal, type Sealed } from '../checkpoint.js';
import { newSigningKey } from '../signing-key.js';
import { randomOf } from './damage.js';

/** Commits of several aggregates, mixed, with reasons and origins as people give them. */
export const recordCommits = async (
  count: number,
  seed = 1,
  log = new InMemoryEventLog(),
): Promise<readonly StoredCommit[]> => {
  const random = randomOf(seed);
  for (let i = 0; i < count; i += 1) {
    const stream: StreamName = `app.s${random(8)}-${seed}`;
    const end = await endOf(log, stream);
    const reason = random(3) === 0 ? `because "it" {should}, \\ ${'é'.repeat(random(5))}` : null;
    const origin =
      random(2) === 0 ? { tokenId: 't1', address: '127.0.0.1', userAgent: `curl/8 ${i}` } : null;
    await log.append(stream, end.revision, commitAfter(stream, end, { reason, origin }));
  }
  return log.readStored(toPosition(0), count);
};

export interface SealOptions {
  readonly every?: number;
  /** Put an empty checkpoint between, and change the key, at times. */
  readonly seed?: number;
  readonly platform?: string;
}

/** Checkpoints over the commits as the platform writes them, and the key that the first is signed with. */
export const sealAll = (
  commits: readonly StoredCommit[],
  { every = 10, seed = 1, platform = 'shiplog' }: SealOptions = {},
): { readonly sealed: readonly Sealed[]; readonly firstKey: string } => {
  const random = randomOf(seed);
  let { key } = newSigningKey();
  const firstKey = key.publicKey;
  const sealed: Sealed[] = [];
  const put = (part: readonly StoredCommit[]): void => {
    const next = random(6) === 0 ? newSigningKey().key : undefined;
    const cut = { platform, key, now: new Date(1.7e12 + sealed.length * 1_000).toISOString() };
    const change = next === undefined ? {} : { nextKey: next.publicKey };
    sealed.push(seal(sealed.at(-1)?.checkpoint, part, cut, change));
    key = next ?? key;
  };
  for (let at = 0; at < commits.length; at += every) {
    put(commits.slice(at, at + every));
    if (random(4) === 0) put([]);
  }
  return { sealed, firstKey };
};
