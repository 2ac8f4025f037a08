import { OperationalError } from '@shiplog/runtime';

export type BackupErrorCode =
  | 'backup-target-invalid'
  | 'backup-target-unavailable'
  | 'backup-target-busy'
  | 'backup-target-emptied'
  | 'backup-of-another-log'
  | 'keys-unreadable'
  /** The backup is made, without the content of some volumes. */
  | 'volumes-not-saved'
  | 'backup-not-found'
  | 'backup-damaged'
  | 'backup-format-unknown'
  | 'log-damaged'
  | 'engine-unavailable'
  | 'repository-unreadable'
  | 'recovery-key-invalid'
  | 'recovery-key-needed'
  | 'home-not-empty'
  | 'platform-differs'
  | 'usage';

/** Why a backup, a verification or a restore did not come about, in words that a person can act on. */
export class BackupError extends OperationalError {
  readonly retryable = false;
  constructor(
    readonly code: BackupErrorCode,
    doing: string,
    options?: ErrorOptions,
  ) {
    super(doing, options);
  }
}
