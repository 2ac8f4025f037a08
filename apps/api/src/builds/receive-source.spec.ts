import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { receiveSource } from './receive-source.js';

const sources = {
  put: async (content: Readable) => ({ digest: 'd', bytes: (await buffer(content)).length }),
};

const upload = () =>
  Object.assign(new PassThrough(), { headers: { 'content-type': 'application/x-tar' } });

const receive = (request: PassThrough) =>
  receiveSource(request as unknown as IncomingMessage, sources);

it('takes an archive whole', async () => {
  const request = upload();
  request.end(Buffer.alloc(10_240));
  expect(await receive(request)).toEqual({ digest: 'd', bytes: 10_240 });
});

it('blames the connection, not the platform, for one that broke off', async () => {
  for (const sent of [100, 2_048]) {
    const request = upload();
    const receiving = receive(request);
    request.write(Buffer.alloc(sent));
    setImmediate(() => request.emit('aborted'));
    await expect(receiving).rejects.toMatchObject({ code: 'bad-request' });
  }
});
