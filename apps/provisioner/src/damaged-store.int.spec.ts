import { cp, rm } from 'node:fs/promises';
import { START, toPosition, toSequence } from '@shiplog/events';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { assertStillThere, type StoredCommit } from '@shiplog/events/log';
import { appendMany, newStream } from '@shiplog/events/testing';
import { chainOf, LogVerification, type Kind } from '@shiplog/integrity';
import { sealAll } from '@shiplog/integrity/testing';
import { connectNats, inboxPrefixOf, pathsOf } from '@shiplog/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertStreams } from './assert-streams.js';
import { blockFileOf, damageBlock, type Damage } from './testing/block-file.js';
import { startTestNats, type TestNats } from './testing/index.js';

const COMMITS = 60;
const BAD = 41;
const SEQUENCE = toSequence(toPosition(BAD), 0);
const REFUSED = /^log-/;

let nats: TestNats;
beforeEach(async () => {
  nats = await startTestNats();
});
afterEach(() => nats.close());

const withLog = async <T>(act: (log: JetStreamEventLog) => Promise<T>): Promise<T> => {
  const connection = await connectNats(nats.config, 'api');
  const log = new JetStreamEventLog(connection, {
    inboxPrefix: inboxPrefixOf('api'),
    process: 'api',
    durability: () => Promise.resolve('disk'),
    attemptTimeoutMs: 500,
    deadlineMs: 2_000,
  });
  try {
    return await act(log);
  } finally {
    await log.close();
    await connection.close();
  }
};

/** A log of some aggregates, and checkpoints of it elsewhere. */
const record = () =>
  withLog(async (log) => {
    for (let i = 0; i < 6; i += 1) await appendMany(log, newStream(), COMMITS / 6);
    return log.readStored(START, COMMITS);
  });

/** What `shiplog audit verify` says about what the server gives now, by checkpoints over what was known. */
const located = (known: readonly StoredCommit[], ownCommits = known.length) =>
  withLog(async (log) => {
    const { sealed } = sealAll(known);
    const own = sealed.filter(({ checkpoint }) => checkpoint.total <= ownCommits);
    const verification = new LogVerification({
      witnesses: [
        { name: 'its own', isOwn: true, chain: chainOf(own) },
        { name: 'elsewhere', isOwn: false, chain: chainOf(sealed) },
      ],
      isDense: true,
    });
    for (const commit of await log.readStored(START, COMMITS)) verification.add(commit);
    const { ok, firstBad } = verification.finish();
    expect(ok).toBe(firstBad === null);
    return firstBad === null ? undefined : { sequence: firstBad.sequence, kind: firstBad.kind };
  });

/** What stops a process that has seen the newest commit, at its start or when it reads the log. */
const refusalOf = async (known: readonly StoredCommit[]): Promise<string> => {
  const newest = known.at(-1);
  if (newest === undefined) throw new Error('no commit');
  const start = async (): Promise<string> => {
    const connection = await connectNats(nats.config, 'provisioner');
    await assertStreams(connection).finally(() => connection.close());
    await withLog(async (log) => {
      await assertStillThere(log, { ...newest, by: 'the test', remedy: 'none' });
      await log.readAfter(START, COMMITS);
    });
    return 'nothing refused';
  };
  return start().catch((error: unknown) => String((error as { code?: unknown }).code ?? error));
};

const restart = async (change: () => Promise<void>): Promise<void> => {
  await nats.server().stop();
  await change();
  await nats.restart();
};

const store = (): string => pathsOf(nats.config.home).natsStore;

describe('damage to the files of the log', () => {
  it('is not seen where there is none', async () => {
    const known = await record();
    await restart(() => Promise.resolve());
    expect(await refusalOf(known)).toBe('nothing refused');
    expect(await located(known)).toBeUndefined();
  });

  const damages: readonly (readonly [Damage, Kind])[] = [
    ['bit-flipped', 'missing'],
    ['block-truncated', 'truncated'],
    ['messages-swapped', 'missing'],
    ['tail-cut', 'truncated'],
  ];
  for (const [damage, kind] of damages) {
    it(`is located after a start, and nobody reads past it: ${damage}`, async () => {
      const known = await record();
      await restart(() => damageBlock(blockFileOf(store()), damage, BAD));
      expect(await located(known)).toEqual({ sequence: SEQUENCE, kind });
      expect(await refusalOf(known)).toMatch(REFUSED);
    });

    it(`done while the server runs, gives nobody a wrong commit, and is located after a kill: ${damage}`, async () => {
      const known = await record();
      await damageBlock(blockFileOf(store()), damage, BAD);
      // The server may still have in memory what it had in the file; or it is located now.
      expect([null, SEQUENCE]).toContain((await located(known))?.sequence ?? null);
      await nats.restart();
      // Without its notes of a clean end the server cuts its log at a sum that is wrong.
      expect(await located(known)).toMatchObject({ sequence: SEQUENCE });
      expect(await refusalOf(known)).toMatch(REFUSED);
    });
  }

  it('is refused at a start: an old backup put back', async () => {
    await withLog((log) => appendMany(log, newStream(), BAD - 1));
    const backup = `${store()}.old`;
    await restart(() => cp(store(), backup, { recursive: true }));
    await withLog((log) => appendMany(log, newStream(), COMMITS - BAD + 1));
    const known = await withLog((log) => log.readStored(START, COMMITS));
    await restart(async () => {
      await rm(store(), { recursive: true });
      await cp(backup, store(), { recursive: true });
    });
    expect(await refusalOf(known)).toBe('log-went-back');
    // Where the checkpoints beside the log are as old as it is, only those elsewhere know.
    expect(await located(known, BAD - 1)).toEqual({ sequence: SEQUENCE, kind: 'rolled back' });
  });
});
