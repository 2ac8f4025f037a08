/** Where one volume is to appear in a container. */
export interface Mount {
  /** As the engine calls the volume. */
  readonly volume: string;
  readonly path: string;
}

export interface VolumeSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /**
   * Whose image has it first, and where. What the image has there is copied into an empty volume; where it has nothing,
   * the volume is the user's that the image runs as. Without it, an empty volume is root's.
   */
  readonly first?: { readonly imageId: string; readonly path: string };
}

/**
 * What keeps data beyond the life of containers. Of a platform's own volumes only; an engine may have others,
 * and they are neither seen nor touched.
 */
export interface VolumeStore {
  /**
   * Makes the volume if it is missing. Throws `name-taken` where somebody else's is called so, `image-missing` where
   * the image that has it first is not there.
   */
  ensure(spec: VolumeSpec): Promise<void>;
  /** Names of all volumes of the platform. An error is never an empty list. */
  list(): Promise<readonly string[]>;
  /**
   * Deletes a volume with what is in it, and containers that have it and do not run. On a missing one, or
   * somebody else's: nothing. Throws `volume-in-use` while one runs.
   */
  remove(name: string): Promise<void>;
  /** Ids of the platform's containers that have the volume and run, paused ones with them. */
  users(name: string): Promise<readonly string[]>;
  /** Bytes in each volume of the platform, as far as they are known. May take long: the engine counts files. */
  usage(): Promise<ReadonlyMap<string, number>>;
}
