import type { RecordedCommit, Sequence } from '@shiplog/events';
import type { AppCommand } from '../app/index.js';
import type { BackupCommand } from '../backup/index.js';
import type { GarbageCommand } from '../facts/garbage.js';
import type { FreezeCommand } from '../freeze/index.js';
import type { TokenCommand } from '../identity/token.js';

type Of<C extends { type: string }, T extends C['type']> = Extract<C, { type: T }>;

/** The one command that takes a change back, and whose it is. */
export type UndoCommand =
  | {
      readonly aggregate: 'app';
      readonly id: string;
      readonly command: Of<
        AppCommand,
        | 'ChangeConfig'
        | 'ChangeSettings'
        | 'ResizeProcess'
        | 'ChangeTrafficPolicy'
        | 'ChangeBasicAuth'
        | 'RollBack'
        | 'Scale'
        | 'StopApp'
        | 'StartApp'
        | 'CancelBuild'
        | 'CancelRollout'
        | 'AddDomain'
        | 'RemoveDomain'
        | 'SetCronJob'
        | 'AddPort'
        | 'RemovePort'
        | 'RemoveCronJob'
        | 'ChangeVolume'
        | 'ChangeVolumeBackup'
        | 'LockApp'
        | 'UnlockApp'
        | 'BeginMaintenance'
        | 'EndMaintenance'
      >;
    }
  | {
      readonly aggregate: 'token';
      readonly id: string;
      readonly command: Of<TokenCommand, 'RevokeToken'>;
    }
  | {
      readonly aggregate: 'garbage';
      readonly id: string;
      readonly command: Of<GarbageCommand, 'ChangePolicy'>;
    }
  | {
      readonly aggregate: 'backup';
      readonly id: string;
      readonly command: Of<BackupCommand, 'ChangeBackupPolicy'>;
    }
  | {
      readonly aggregate: 'freeze';
      /** Of the stream: an app, or `platform`. */
      readonly id: string;
      readonly command: FreezeCommand;
    };

/** A part of the change that something came after. */
export interface ChangedSince {
  /** `LOG_LEVEL`, `web`, `memoryBytes`, `v4`, a host; of a stop or start the app. */
  readonly what: string;
  /** Where it was changed last. */
  readonly sequence: Sequence;
  readonly time: string;
  /** Name of the user or process. */
  readonly by: string;
}

/** What taking a change back would mean. */
export type UndoProposal =
  | {
      readonly outcome: 'possible';
      readonly command: UndoCommand;
      /** The same in the words of the CLI; config values are not in it. */
      readonly commandLines: readonly string[];
      /** What will be as it was, one sentence each. */
      readonly restores: readonly string[];
      /** What follows of it. */
      readonly causes: readonly string[];
      /** What stays as it is, because it was changed again since. */
      readonly leaves: readonly ChangedSince[];
      /** What was changed again since and goes all the same, because that was asked for. */
      readonly overwrites: readonly ChangedSince[];
      /** An app takes a while to be so. */
      readonly settles: boolean;
    }
  /** It is as it was before already. */
  | { readonly outcome: 'unneeded'; readonly why: string }
  /** All of it was changed again since: taking it back would take that back, too. */
  | {
      readonly outcome: 'overtaken';
      readonly why: string;
      readonly leaves: readonly ChangedSince[];
    }
  | { readonly outcome: 'impossible'; readonly why: string; readonly instead: string | null };

export type Possible = Extract<UndoProposal, { outcome: 'possible' }>;

/** What the streams of others say. */
export interface UndoFacts {
  /** The release that serves. */
  readonly liveVersion: number | null;
  /** Is the newest generation on its way? */
  readonly isRollingOut: boolean;
  /** Builds without a result. */
  readonly openBuilds: readonly string[];
  /** The change of an app that this belongs to or follows from. */
  readonly cause: Sequence | null;
}

/** What a proposal is made of: the change, and the states of its aggregate around it. */
export interface UndoQuestion<State> {
  readonly commit: RecordedCommit;
  readonly before: State;
  readonly now: State;
  /** Commits of the same stream after it, oldest first. */
  readonly later: readonly RecordedCommit[];
  readonly facts: UndoFacts;
  /** Take back what was changed again since, too. */
  readonly force: boolean;
}

export const impossible = (why: string, instead: string | null): UndoProposal => ({
  outcome: 'impossible',
  why,
  instead,
});
export const unneeded = (why: string): UndoProposal => ({ outcome: 'unneeded', why });
