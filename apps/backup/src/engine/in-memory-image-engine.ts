import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract, pack } from 'tar-stream';
import { BackupError } from '../backup-error.js';
import type { ImageEngine } from './image-engine.port.js';

interface FakeImage {
  readonly layers: readonly Buffer[];
  tags: readonly string[];
}

/** The fake: images are lists of layers, which it archives and takes in as an engine does. */
export class InMemoryImageEngine implements ImageEngine {
  readonly images = new Map<string, FakeImage>();
  /** Archives made so far: what a backup that changed nothing must not ask for. */
  saved = 0;

  make(layers: readonly (Buffer | string)[], ...tags: readonly string[]): string {
    const bytes = layers.map((layer) => Buffer.from(layer as string));
    const id = idOf(bytes);
    this.images.set(id, { layers: bytes, tags });
    return id;
  }

  tagsOf(imageId: string): Promise<readonly string[] | undefined> {
    return Promise.resolve(this.images.get(imageId)?.tags);
  }

  save(imageId: string): Promise<Readable> {
    const image = this.images.get(imageId);
    if (image === undefined) {
      return Promise.reject(
        new BackupError('engine-unavailable', `saving image ${imageId}: no such image`),
      );
    }
    this.saved += 1;
    const archive = pack();
    image.layers.forEach((layer, i) => {
      archive.entry({ name: `layer-${i}`, type: 'directory' });
      archive.entry({ name: `layer-${i}/layer.tar` }, layer);
    });
    archive.entry({ name: 'same', type: 'symlink', linkname: 'layer-0/layer.tar' });
    archive.entry({ name: 'manifest.json' }, '[]');
    archive.finalize();
    return Promise.resolve(Readable.from(archive));
  }

  async load(archive: Readable): Promise<void> {
    const layers: Buffer[] = [];
    const reading = archive.pipe(extract());
    archive.once('error', (error) => reading.destroy(error));
    try {
      for await (const entry of reading) {
        const content = await buffer(entry);
        if (entry.header.name.endsWith('/layer.tar')) layers.push(content);
      }
    } catch (cause) {
      throw new BackupError('engine-unavailable', 'loading an image', { cause });
    }
    const id = idOf(layers);
    if (!this.images.has(id)) this.images.set(id, { layers, tags: [] });
  }

  tag(imageId: string, ref: string): Promise<void> {
    const image = this.images.get(imageId);
    if (image === undefined) {
      return Promise.reject(new BackupError('engine-unavailable', `naming image ${imageId}`));
    }
    for (const other of this.images.values()) other.tags = other.tags.filter((tag) => tag !== ref);
    image.tags = [...image.tags, ref];
    return Promise.resolve();
  }
}

const idOf = (layers: readonly Buffer[]): string => {
  const hash = createHash('sha256');
  for (const layer of layers) hash.update(layer);
  return `sha256:${hash.digest('hex')}`;
};
