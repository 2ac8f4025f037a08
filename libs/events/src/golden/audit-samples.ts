import type { DomainEventUnion } from '../registry.js';

type DataOf<T extends DomainEventUnion['type']> = Extract<DomainEventUnion, { type: T }>['data'];
type AuditEventType = 'CommandsRefused' | 'SecretsRead' | 'OperationsDone';
type AuditSamples = { readonly [T in AuditEventType]: DataOf<T> };

const sealedOrigin = {
  tokenId: '01936f3e-8d1a-7c52-9f00-00000000f001',
  address: 'enc1.aXYtaXYtaXYtaXYt.dGFnLXRhZy10YWctdGFnLXQ.YWRkcmVzcw',
  userAgent: 'enc1.aXYtaXYtaXYtaXYt.dGFnLXRhZy10YWctdGFnLXQ.YWdlbnQ',
};

export const auditSamples = ({
  appId,
  userId,
}: {
  readonly appId: string;
  readonly userId: string;
}): AuditSamples => ({
  CommandsRefused: {
    refusals: [
      {
        outcome: 'rejected',
        code: 'process-type-unknown',
        command: 'scaleApp',
        appId,
        target: 'hello',
        actor: { kind: 'user', id: userId, name: 'ann' },
        origin: sealedOrigin,
        reason: 'more workers',
        count: 2,
        firstAt: '2026-11-21T10:00:00.000Z',
        lastAt: '2026-11-21T10:00:09.000Z',
      },
    ],
    unlisted: 17,
  },
  SecretsRead: {
    reads: [
      {
        appId,
        keys: ['DATABASE_URL'],
        keysUnlisted: 0,
        actor: { kind: 'user', id: userId, name: 'ann' },
        origin: sealedOrigin,
        count: 1,
        firstAt: '2026-11-21T10:00:00.000Z',
        lastAt: '2026-11-21T10:00:00.000Z',
      },
    ],
    unlisted: 0,
  },
  OperationsDone: {
    operations: [
      {
        operation: 'exec',
        appId,
        target: 'hello',
        actor: { kind: 'user', id: userId, name: 'ann' },
        origin: sealedOrigin,
        reason: 'why is it slow',
        count: 1,
        firstAt: '2026-11-21T10:00:00.000Z',
        lastAt: '2026-11-21T10:00:00.000Z',
      },
    ],
    unlisted: 0,
  },
});
