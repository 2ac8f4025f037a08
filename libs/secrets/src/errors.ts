/** Nobody can read what was encrypted for this one any more: its key was shredded, or it was lost. */
export class KeyMissingError extends Error {
  readonly code = 'key-missing';
  constructor(
    readonly id: string,
    of = 'app',
  ) {
    super(`the key of ${of} ${id} is not in the key store`);
    this.name = 'KeyMissingError';
  }
}

type KeyStoreTrouble =
  /** There are wrapped keys and nothing that opens them. */
  | 'master-key-missing'
  /** What lies there is no master key file, or was cut short. */
  | 'master-key-damaged'
  /** It is another one than the keys were wrapped with. */
  | 'master-key-other'
  /** It can be read and not changed. */
  | 'master-key-read-only'
  /** One key does not open although its master key is there. */
  | 'key-damaged';

/** The key store cannot be used as it is; nothing was changed, and the message says what to do. */
export class KeyStoreError extends Error {
  readonly code = 'key-store';
  readonly retryable = true;
  constructor(
    readonly trouble: KeyStoreTrouble,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'KeyStoreError';
  }
}
