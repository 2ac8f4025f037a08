import type { AuditEvent, Operation, Refusal, SecretsReading } from '@shiplog/events';
import { accept, type Decider } from '../decider.js';

/** What was gathered since the last one. `…Unlisted`: seen, and in no entry. */
export interface AuditCommand {
  readonly type: 'RecordAudit';
  readonly refusals: readonly Refusal[];
  readonly refusalsUnlisted: number;
  readonly reads: readonly SecretsReading[];
  readonly readsUnlisted: number;
  readonly operations: readonly Operation[];
  readonly operationsUnlisted: number;
}
/** Nothing is decided on what was recorded. */
export interface AuditState {
  readonly status: 'known';
}

export const audit: Decider<AuditState, AuditCommand, AuditEvent, never> = {
  initialState: { status: 'known' },
  decide: ({
    refusals,
    refusalsUnlisted,
    reads,
    readsUnlisted,
    operations,
    operationsUnlisted,
  }) => {
    const refused: AuditEvent = {
      type: 'CommandsRefused',
      v: 1,
      data: { refusals: [...refusals], unlisted: refusalsUnlisted },
    };
    const read: AuditEvent = {
      type: 'SecretsRead',
      v: 1,
      data: { reads: [...reads], unlisted: readsUnlisted },
    };
    const done: AuditEvent = {
      type: 'OperationsDone',
      v: 1,
      data: { operations: [...operations], unlisted: operationsUnlisted },
    };
    return accept<AuditEvent>(
      ...(refusals.length + refusalsUnlisted > 0 ? [refused] : []),
      ...(reads.length + readsUnlisted > 0 ? [read] : []),
      ...(operations.length + operationsUnlisted > 0 ? [done] : []),
    );
  },
  evolve: (state) => state,
};
