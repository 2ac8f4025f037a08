import { describe, expect, it } from 'vitest';
import { ownerOf } from './image-user.js';

const FILES: Readonly<Record<string, string>> = {
  '/etc/passwd': 'root:x:0:0:root:/:/bin/sh\nnode:x:1000:1001::/home/node:/bin/sh\n',
  '/etc/group': 'root:x:0:\nnode:x:1001:\nweb:x:33:\n',
};
const files = (path: string) => Promise.resolve(FILES[path]);
const none = () => Promise.resolve(undefined);

describe('who an image runs as', () => {
  it.each([
    ['node', { uid: 1000, gid: 1001 }],
    ['node:web', { uid: 1000, gid: 33 }],
    ['1000', { uid: 1000, gid: 1001 }],
    ['1000:33', { uid: 1000, gid: 33 }],
    ['4711', { uid: 4711, gid: 0 }],
    ['4711:4712', { uid: 4711, gid: 4712 }],
    ['nobody', undefined],
    ['node:nobody', undefined],
  ])('%s', async (user, owner) => {
    expect(await ownerOf(user, files)).toEqual(owner);
  });

  it('is known by its number alone where the image has no accounts', async () => {
    expect(await ownerOf('65532:65532', none)).toEqual({ uid: 65_532, gid: 65_532 });
    expect(await ownerOf('65532', none)).toEqual({ uid: 65_532, gid: 0 });
    expect(await ownerOf('nonroot', none)).toBeUndefined();
  });
});
