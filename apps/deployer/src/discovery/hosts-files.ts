import type Docker from 'dockerode';
import { extract, pack } from 'tar-stream';
import type { SlotChanges, Slots } from './hosts-slots.js';
import { HOSTS_FOLDER } from './resolver-image.js';

/** What the files in the container say, from an earlier life of ours. */
export const readSlots = async (container: Docker.Container): Promise<Slots> => {
  const stream = await container.getArchive({ path: HOSTS_FOLDER });
  const slots = new Map<string, string>();
  for await (const entry of stream.pipe(extract())) {
    const parts: Buffer[] = [];
    for await (const part of entry) parts.push(part as Buffer);
    const { name, type } = entry.header;
    if (type === 'file')
      slots.set(name.slice(name.indexOf('/') + 1), Buffer.concat(parts).toString());
  }
  return slots;
};

/** Through the engine, so that no folder has to be shared with it. */
export const writeSlots = async (
  container: Docker.Container,
  { writes }: SlotChanges,
): Promise<void> => {
  const archive = pack();
  for (const [name, content] of writes) archive.entry({ name, mode: 0o644 }, content);
  archive.finalize();
  await container.putArchive(archive as unknown as NodeJS.ReadableStream, { path: HOSTS_FOLDER });
};
