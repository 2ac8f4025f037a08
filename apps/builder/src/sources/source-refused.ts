/** The source cannot be built as it is; the message and the remedy are for who pushed it. */
export class SourceRefusedError extends Error {
  constructor(
    /** A whole sentence: what is wrong, and where. */
    message: string,
    /** What to do about it. */
    readonly remedy: string,
  ) {
    super(message);
    this.name = 'SourceRefusedError';
  }
}
