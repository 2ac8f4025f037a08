import type { BackupEvent } from '@shiplog/events';
import { accept, reject, type Decider, type Decision } from '../decider.js';
import { parseKeep } from './keep.js';
import { parseSchedule } from './schedule.js';

export * from './keep.js';
export * from './schedule.js';

type DataOf<T extends BackupEvent['type']> = Extract<BackupEvent, { type: T }>['data'];

export type BackupCommand =
  | ({ type: 'ChangeBackupPolicy' } & DataOf<'BackupPolicyChanged'>)
  | ({ type: 'StartBackup' } & DataOf<'BackupStarted'>)
  | ({ type: 'RecordBackupHook' } & DataOf<'BackupHookRan'>)
  | ({ type: 'SucceedBackup' } & DataOf<'BackupSucceeded'>)
  | ({ type: 'FailBackup' } & DataOf<'BackupFailed'>)
  | ({ type: 'RecordVerified' } & DataOf<'BackupVerified'>)
  | ({ type: 'RecordVerificationFailed' } & DataOf<'BackupVerificationFailed'>)
  | ({ type: 'RecordPruned' } & DataOf<'BackupsPruned'>)
  | ({ type: 'RecordRestored' } & DataOf<'BackupRestored'>);

export interface BackupPolicy {
  readonly schedule: string;
  readonly target: string | null;
  readonly keep: string | null;
}

/** One backup as far as somebody may still ask about it. */
export interface KnownBackup {
  readonly backupId: string;
  readonly target: string;
  readonly outcome: 'running' | 'succeeded' | 'failed';
  /** Digest of its manifest; null until it succeeded. */
  readonly manifest: string | null;
  readonly position: string | null;
  readonly missing: number;
  /** Volumes whose content is not in it, though it should be, and why: `vol_1: …`. */
  readonly volumesFailed: readonly string[];
  readonly problem: { readonly code: string; readonly summary: string } | null;
  readonly verification: 'none' | 'verified' | 'failed';
  readonly verifiedAt: string | null;
  readonly verificationProblem: string | null;
}

export interface BackupState {
  readonly status: 'known';
  readonly policy: BackupPolicy;
  /** The newest ones, oldest first. */
  readonly backups: readonly KnownBackup[];
  readonly restored: { readonly backupId: string; readonly restoredAt: string } | null;
}

export type BackupRejection =
  | { code: 'backup-running'; backupId: string }
  | { code: 'backup-not-running' }
  | { code: 'backup-schedule-invalid' }
  | { code: 'backup-keep-invalid' }
  | { code: 'backup-target-missing' };

/** What the world remembers; the log and the target remember all. */
const BACKUPS_KEPT = 100;

export const backup: Decider<BackupState, BackupCommand, BackupEvent, BackupRejection> = {
  initialState: {
    status: 'known',
    policy: { schedule: 'off', target: null, keep: null },
    backups: [],
    restored: null,
  },
  decide: (command, state) => {
    switch (command.type) {
      case 'ChangeBackupPolicy':
        return changePolicy(command, state);
      case 'StartBackup':
        return start(command, state);
      case 'RecordBackupHook': {
        const { type: _type, ...data } = command;
        return whileRunning(state, data.backupId, { type: 'BackupHookRan', v: 1, data });
      }
      case 'SucceedBackup': {
        const { type: _type, ...data } = command;
        return whileRunning(state, data.backupId, { type: 'BackupSucceeded', v: 2, data });
      }
      case 'FailBackup': {
        const { type: _type, ...data } = command;
        return whileRunning(state, data.backupId, { type: 'BackupFailed', v: 1, data });
      }
      case 'RecordVerified': {
        const { type: _type, ...data } = command;
        return accept({ type: 'BackupVerified', v: 1, data });
      }
      case 'RecordVerificationFailed': {
        const { type: _type, ...data } = command;
        return accept({ type: 'BackupVerificationFailed', v: 1, data });
      }
      case 'RecordPruned': {
        const { type: _type, ...data } = command;
        return data.backupIds.length === 0
          ? accept()
          : accept({ type: 'BackupsPruned', v: 1, data });
      }
      case 'RecordRestored': {
        const { type: _type, ...data } = command;
        // A start that was cut off after the fact tells it again.
        return state.restored?.restoredAt === data.restoredAt
          ? accept()
          : accept({ type: 'BackupRestored', v: 1, data });
      }
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'BackupPolicyChanged': {
        const { schedule, target, keep } = event.data;
        return { ...state, policy: { schedule, target, keep } };
      }
      case 'BackupStarted': {
        const { backupId, target } = event.data;
        const started: KnownBackup = { ...NEW, backupId, target };
        return { ...state, backups: [...state.backups, started].slice(-BACKUPS_KEPT) };
      }
      case 'BackupSucceeded': {
        const { backupId, manifest, position, missing, volumes } = event.data;
        return changed(state, backupId, {
          outcome: 'succeeded',
          manifest,
          position,
          missing: missing.length,
          volumesFailed: volumes.flatMap(({ name, outcome, why }) =>
            outcome === 'failed' ? `${name}: ${why ?? ''}` : [],
          ),
        });
      }
      case 'BackupHookRan':
        return state;
      case 'BackupFailed': {
        const { backupId, code, summary } = event.data;
        return changed(state, backupId, { outcome: 'failed', problem: { code, summary } });
      }
      case 'BackupVerified':
        return changed(state, event.data.backupId, {
          verification: 'verified',
          verifiedAt: event.data.verifiedAt,
          verificationProblem: null,
        });
      case 'BackupVerificationFailed':
        return changed(state, event.data.backupId, {
          verification: 'failed',
          verificationProblem: event.data.summary,
        });
      case 'BackupsPruned': {
        const gone = new Set(event.data.backupIds);
        return { ...state, backups: state.backups.filter(({ backupId }) => !gone.has(backupId)) };
      }
      case 'BackupRestored': {
        const { backupId, restoredAt } = event.data;
        return { ...state, restored: { backupId, restoredAt } };
      }
    }
  },
};

const NEW: Omit<KnownBackup, 'backupId' | 'target'> = {
  outcome: 'running',
  manifest: null,
  position: null,
  missing: 0,
  volumesFailed: [],
  problem: null,
  verification: 'none',
  verifiedAt: null,
  verificationProblem: null,
};

type BackupDecision = Decision<BackupEvent, BackupRejection>;
type CommandOf<T extends BackupCommand['type']> = Extract<BackupCommand, { type: T }>;

const changePolicy = (
  { nodeId, schedule, target, keep }: CommandOf<'ChangeBackupPolicy'>,
  { policy }: BackupState,
): BackupDecision => {
  const parsed = parseSchedule(schedule);
  if (parsed === undefined) return reject({ code: 'backup-schedule-invalid' });
  if (keep !== null && parseKeep(keep) === undefined)
    return reject({ code: 'backup-keep-invalid' });
  if (parsed.kind !== 'off' && target === null) return reject({ code: 'backup-target-missing' });
  const isSame = policy.schedule === schedule && policy.target === target && policy.keep === keep;
  if (isSame) return accept();
  return accept({ type: 'BackupPolicyChanged', v: 1, data: { nodeId, schedule, target, keep } });
};

const start = (
  { nodeId, backupId, target, cause }: CommandOf<'StartBackup'>,
  { backups }: BackupState,
): BackupDecision => {
  const running = backups.find(({ outcome }) => outcome === 'running');
  if (running?.backupId === backupId) return accept();
  if (running !== undefined) return reject({ code: 'backup-running', backupId: running.backupId });
  return accept({ type: 'BackupStarted', v: 1, data: { nodeId, backupId, target, cause } });
};

const whileRunning = (
  { backups }: BackupState,
  backupId: string,
  event: BackupEvent,
): BackupDecision => {
  const known = backups.find((one) => one.backupId === backupId);
  return known?.outcome === 'running' ? accept(event) : reject({ code: 'backup-not-running' });
};

const changed = (
  state: BackupState,
  backupId: string,
  changes: Partial<KnownBackup>,
): BackupState => ({
  ...state,
  backups: state.backups.map((one) => (one.backupId === backupId ? { ...one, ...changes } : one)),
});

/** `20261126T030000Z-0123abcd`: sorted by time, and the time can be read from it. */
export const backupIdOf = (startedAtMs: number, random: string): string =>
  `${new Date(startedAtMs).toISOString().replace(/[-:]|\.\d{3}/g, '')}-${random}`;

export const BACKUP_ID_PATTERN = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[0-9a-f]{8}$/;

/** When it began, in milliseconds; NaN for what is no backup's id. */
export const startOfBackup = (backupId: string): number =>
  Date.parse(backupId.replace(BACKUP_ID_PATTERN, '$1-$2-$3T$4:$5:$6Z'));
