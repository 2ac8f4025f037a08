import type { Readable } from 'node:stream';

/** The part of an engine that backups need: images in, images out. Throws `BackupError` (`engine-unavailable`). */
export interface ImageEngine {
  /** Its names; undefined where the engine has no such image. Throws rather than answer with less. */
  tagsOf(imageId: string): Promise<readonly string[] | undefined>;
  /** The engine's own archive of one image: a tar with its layers and its configuration. */
  save(imageId: string): Promise<Readable>;
  /** Takes such an archive in. What is there already is not stored twice. */
  load(archive: Readable): Promise<void>;
  /** Names an image; a name that another image has moves to this one. */
  tag(imageId: string, ref: string): Promise<void>;
}
