import type { CommandHandler } from '@shiplog/commands';
import type { ActiveApp } from '@shiplog/domain';
import type { Actor, Origin } from '@shiplog/events';
import type { Logger } from '@shiplog/runtime';
import type { SourceStore } from '@shiplog/sources';
import type { AuditRecorder } from '../audit/audit-recorder.js';
import type { CalledFrom } from '../audit/persons.js';
import type { ProgressSources } from '../progress/index.js';
import type { Repositories } from './repositories.js';

/** What a push works with. */
export interface PushDependencies extends ProgressSources {
  readonly commands: CommandHandler;
  readonly sources: SourceStore;
  readonly repositories: Repositories;
  readonly logger: Logger;
  readonly audit: Pick<AuditRecorder, 'refused'>;
}

/** One `git push`, from its first hook to its last. */
export interface Push {
  readonly app: ActiveApp;
  readonly actor: Actor;
  readonly origin: Origin;
  /** Puts aside what counts for the whole platform. */
  readonly isAdministrator: boolean;
  /** The token is for pushing and nothing else: it puts nothing aside. */
  readonly isOnlyPush: boolean;
  /** As it came; `origin` is the same, sealed. */
  readonly from: CalledFrom;
  /** The build that `pre-receive` brought live: what lets `proc-receive` move the branch. */
  deployedBuildId: string | undefined;
}

export type Say = (text: string) => void;
