/** A step of the build ended with an error; the output says which. */
export class StepFailedError extends Error {
  constructor(
    /** The instruction that failed, as the engine names it; undefined before the first one. */
    readonly step: string | undefined,
    readonly exitCode: number | null,
    message: string,
  ) {
    super(message);
    this.name = 'StepFailedError';
  }
}

/** The named image is neither in a registry that answers nor on this machine. */
export class ImageNotFoundError extends Error {
  constructor(
    readonly ref: string,
    /** What the registry, or the way to it, said. */
    message: string,
  ) {
    super(message);
    this.name = 'ImageNotFoundError';
  }
}

/** The engine went away, or never answered: nothing is wrong with the build. */
export class EngineUnavailableError extends Error {
  readonly code = 'engine-unavailable';
  constructor(doing: string, options?: ErrorOptions) {
    super(doing, options);
    this.name = 'EngineUnavailableError';
  }
}

/** Why a running build is ended from outside: the reason of its abort signal. */
export class BuildInterrupted extends Error {
  constructor(readonly cause: 'cancelled' | 'timed-out' | 'stopping') {
    super(`the build was ended: ${cause}`);
    this.name = 'BuildInterrupted';
  }
}
