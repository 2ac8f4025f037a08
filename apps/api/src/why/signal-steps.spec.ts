import { expect, it } from 'vitest';
import type { DomainEventUnion } from '@shiplog/events';
import { signalSteps } from './signal-steps.js';

const commit = { actor: { kind: 'process', id: 'deployer', name: 'deployer' } } as const;
const fact = (n: number, type: string, data: object) => ({
  ...{ commit, sequence: String(n) },
  event: { type, v: 1, data: { instanceId: 'web-1', ...data } } as unknown as DomainEventUnion,
});
const at = '2026-01-01T00:00:00.000Z';

it('tells what the container was sent, not what another one of the instance or another instance was', () => {
  const facts = [
    fact(1, 'InstanceStarted', { containerId: 'old' }),
    fact(2, 'InstanceSignalled', { signal: 'SIGHUP', graceSeconds: null, at }),
    fact(3, 'InstanceStarted', { containerId: 'new' }),
    fact(4, 'InstanceSignalled', { signal: 'SIGTERM', graceSeconds: 30, at }),
    fact(5, 'InstanceSignalled', {
      instanceId: 'web-2',
      signal: 'SIGKILL',
      graceSeconds: null,
      at,
    }),
    fact(6, 'InstanceSignalled', { signal: 'SIGKILL', graceSeconds: null, at }),
  ];
  expect(signalSteps(facts, 'web-1', 'new')).toMatchObject([
    { kind: 'signal', id: 'SIGTERM', text: 'sent, 30 s to end', time: at, sequence: '4' },
    { id: 'SIGKILL', text: 'sent', sequence: '6' },
  ]);
});
