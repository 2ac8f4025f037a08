import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { objectName, readContent } from '../content/content-store.js';
import { fromTarget } from './from-target.js';
import { InMemoryBackupTarget } from './in-memory-backup-target.js';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const plain = Buffer.from('what was saved');
const stored = gzipSync(plain);
const ref = {
  content: sha256(plain),
  bytes: plain.length,
  object: sha256(stored),
  storedBytes: stored.length,
};

/** Reads the object from a target that gives this stream. */
const read = async (source: Readable): Promise<string> => {
  const target = new InMemoryBackupTarget();
  target.read = (name) => Promise.resolve(fromTarget(name, source));
  return (await buffer(await readContent(target, ref))).toString();
};

const half = (): PassThrough => {
  const source = new PassThrough();
  source.write(stored.subarray(0, 10));
  return source;
};

it('gives what is there, to its end', async () => {
  expect(await read(Readable.from([stored]))).toBe('what was saved');
});

it('takes a connection that breaks off for a place that does not answer, not for damage', async () => {
  const expected = {
    code: 'backup-target-unavailable',
    message: expect.stringContaining(objectName(ref.object)) as string,
  };
  const failing = half();
  setImmediate(() => failing.destroy(new Error('ECONNRESET')));
  await expect(read(failing)).rejects.toMatchObject(expected);
  const closing = half();
  setImmediate(() => closing.destroy());
  await expect(read(closing)).rejects.toMatchObject(expected);
});

it('takes other bytes, and fewer, for damage', async () => {
  const damaged = { code: 'backup-damaged' };
  await expect(read(Readable.from([stored.subarray(0, 10)]))).rejects.toMatchObject(damaged);
  await expect(read(Readable.from([Buffer.from('nothing of ours')]))).rejects.toMatchObject(
    damaged,
  );
  await expect(read(Readable.from([gzipSync('something else')]))).rejects.toMatchObject(damaged);
});

it('lets go of what it reads from when nobody wants it any more', async () => {
  const source = half();
  const given = fromTarget('it', source);
  given.destroy();
  await expect.poll(() => source.destroyed).toBe(true);
});
