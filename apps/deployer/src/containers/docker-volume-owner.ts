import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { LABEL, engineStatus } from '@shiplog/engine';
import type Docker from 'dockerode';
import { extract, pack, type Header } from 'tar-stream';
import { ownerOf } from './image-user.js';
import type { VolumeSpec } from './volume-store.js';

const KIND = 'volume-owner';
/** Accounts of an image fit into this. */
const FILE_BYTES_MAX = 1024 * 1024;
const ROOT = new Set(['', 'root', 'root:root', 'root:0', '0', '0:0', '0:root']);

type Given = Pick<VolumeSpec, 'name'> & { readonly first: NonNullable<VolumeSpec['first']> };

/**
 * The engine copies what the image has at the path of an empty volume, owners included. Where it has nothing there,
 * the volume is root's, and a program of another user cannot write into it: it is given to that user. By the engine's
 * own archive calls, on a container that is never started: no program of anybody runs, and none runs as root.
 */
export const giveToImageUser = async (
  docker: Docker,
  platform: string,
  { name, first }: Given,
): Promise<void> => {
  const { Config } = await docker.getImage(first.imageId).inspect();
  const user = (Config as { User?: string } | null)?.User ?? '';
  if (ROOT.has(user)) return;
  const holder = await docker.createContainer({
    name: `${platform}-${KIND}-${randomBytes(6).toString('hex')}`,
    Image: first.imageId,
    Cmd: ['/never-started'],
    Labels: { [LABEL.platform]: platform, [LABEL.kind]: KIND },
    HostConfig: {
      NetworkMode: 'none',
      Mounts: [{ Type: 'volume', Source: name, Target: first.path }],
    },
  });
  try {
    const [root, more] = await headersOf(holder, first.path);
    if (root === undefined || more !== undefined || !isRoots(root)) return;
    const owner = await ownerOf(user, (path) => textOf(holder, path));
    if (owner === undefined) return;
    const archive = pack();
    const { mode, mtime } = root;
    archive.entry({ name: first.path.slice(1), type: 'directory', mode, mtime, ...owner });
    archive.finalize();
    await holder.putArchive(archive as unknown as NodeJS.ReadableStream, { path: '/' });
  } finally {
    // One that stays behind is never started, and goes with its volume.
    await holder.remove({ force: true }).catch(() => undefined);
  }
};

/** Whoever made it writable for all, or somebody else's, meant it so. */
const isRoots = ({ uid, gid, mode = 0 }: Header): boolean =>
  uid === 0 && gid === 0 && (mode & 0o002) === 0;

/** Of the directory itself, and of one thing in it: more need not be known. */
const headersOf = async (container: Docker.Container, path: string): Promise<Header[]> => {
  const archive = await container.getArchive({ path });
  const headers: Header[] = [];
  try {
    for await (const entry of archive.pipe(extract())) {
      headers.push(entry.header);
      if (headers.length === 2) break;
      entry.resume();
    }
  } finally {
    (archive as NodeJS.ReadableStream & { destroy?: () => void }).destroy?.();
  }
  return headers;
};

const textOf = async (container: Docker.Container, path: string): Promise<string | undefined> => {
  try {
    const archive = await container.getArchive({ path });
    for await (const entry of archive.pipe(extract())) {
      const { type, size = 0, name } = entry.header;
      if (type !== 'file' || name !== basename(path) || size > FILE_BYTES_MAX) return undefined;
      const parts: Buffer[] = [];
      for await (const part of entry) parts.push(part as Buffer);
      return Buffer.concat(parts).toString('utf8');
    }
    return undefined;
  } catch (error) {
    if (engineStatus(error) === 404) return undefined;
    throw error;
  }
};
