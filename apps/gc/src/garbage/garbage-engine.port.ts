/** A container that does not run, as the engine has it now. */
export interface StillContainer {
  readonly id: string;
  readonly instanceId: string | null;
  readonly appId: string | null;
  readonly process: string | null;
  /** `run` for one-off commands; null for instances. */
  readonly kind: string | null;
  /** When it ended, or was created if it never ran. Milliseconds. */
  readonly stillSinceMs: number;
}

export interface BuiltImage {
  readonly id: string;
  readonly appId: string | null;
  readonly buildId: string;
  /** `build-cache` for what the next build starts from; null for what releases run. */
  readonly kind: string | null;
  readonly tags: readonly string[];
  readonly createdAtMs: number;
  readonly bytes: number;
}

export type RemovalResult =
  | 'removed'
  /** Somebody else was faster: nothing to tell. */
  | 'gone'
  /** It runs again, something depends on it, or the engine is at it already: another time perhaps. */
  | 'in-use';

/** The part of an engine that gc looks at. It sees what carries our platform's label and nothing else. */
export interface GarbageEngine {
  /** Containers that ended or never began. Throws rather than answer with less. */
  stillContainers(): Promise<readonly StillContainer[]>;
  /** Images that the builder made, dangling ones too. Throws rather than answer with less. */
  builtImages(): Promise<readonly BuiltImage[]>;
  /**
   * Removes a container and its anonymous volumes, unless it runs. Never by force: a container that the
   * engine started again in this very moment stays.
   */
  removeContainer(id: string): Promise<RemovalResult>;
  /** Removes an image by its id, unless a container, another image or a second name needs it. */
  removeImage(id: string): Promise<RemovalResult>;
}

/** The engine was not reached, or cannot tell what it has: another time. Other errors are about one thing. */
export class GarbageEngineError extends Error {
  readonly code = 'engine-unavailable';
  readonly retryable = true;
  constructor(doing: string, options: ErrorOptions) {
    super(doing, options);
    this.name = 'GarbageEngineError';
  }
}
