import type { IncomingMessage } from 'node:http';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import type { SourceStore } from '@shiplog/sources';
import { Problem } from '../http/problem.js';

/** Sources above this are refused: 1 GiB, as packed. */
const SOURCE_BYTES_MAX = 1024 ** 3;
const TAR_BLOCK = 512;
const TYPES = /^application\/(?:x-tar|gzip|x-gzip|octet-stream)\s*(?:;|$)/i;

/** Stores the body by its digest. Never in memory as a whole. */
export const receiveSource = async (
  request: IncomingMessage,
  sources: Pick<SourceStore, 'put'>,
): Promise<{ digest: string; bytes: number }> => {
  const type = request.headers['content-type'] ?? '';
  if (!TYPES.test(type)) {
    throw new Problem(
      'unsupported-media-type',
      `The body has ${type === '' ? 'no media type' : 'another media type'}; this operation takes a tar archive: "Content-Type: application/x-tar" (it may be gzip).`,
    );
  }
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > SOURCE_BYTES_MAX) {
    throw new Problem(
      'body-too-large',
      `The source has ${declared} bytes; the limit is ${SOURCE_BYTES_MAX}.`,
    );
  }
  return sources.put(await archiveOf(request), SOURCE_BYTES_MAX);
};

/** The body, once its beginning was seen to be that of a tar archive or of a gzip stream. */
const archiveOf = async (request: IncomingMessage): Promise<Readable> => {
  const body = request.pipe(new PassThrough());
  request.once('error', (error) => body.destroy(error));
  // Cut off half-way is not the end of an archive: without this the half would be stored.
  request.once('aborted', () => body.destroy(brokenOff()));
  const start = await firstBytes(body, TAR_BLOCK);
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  const isTar = start.subarray(257, 262).toString('latin1') === 'ustar';
  const isEmptyTar = start.length === TAR_BLOCK && start.every((byte) => byte === 0);
  if (isGzip || isTar || isEmptyTar) {
    const whole = new PassThrough();
    whole.write(start);
    // An error of the body ends the copy with the same error.
    pipeline(body, whole, () => undefined);
    return whole;
  }
  body.destroy();
  request.unpipe();
  throw new Problem(
    'source-invalid',
    'The body is not a tar archive (POSIX ustar, or compressed with gzip). Make one with `tar -cf source.tar .` or use `shiplog deploy`.',
  );
};

const brokenOff = (): Problem =>
  new Problem('bad-request', 'The connection ended before the whole source had arrived.');

/** Up to so many bytes from the beginning; less only when there are no more. */
const firstBytes = async (body: Readable, count: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const iterator = body.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  for await (const chunk of iterator) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= count) break;
  }
  const start = Buffer.concat(chunks);
  if (start.length > count) body.unshift(start.subarray(count));
  return start.subarray(0, count);
};
