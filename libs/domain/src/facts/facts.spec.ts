import { toPosition } from '@shiplog/events';
import { commitAfter, NO_COMMIT } from '@shiplog/events/testing';
import { describe, expect, it } from 'vitest';
import { given } from '../testing/index.js';
import { audit } from './audit.js';
import { garbage } from './garbage.js';
import { node } from './node.js';
import { router } from './router.js';
import { World } from '../world.js';

describe('a router', () => {
  const started = {
    type: 'RouterStarted',
    v: 1,
    data: { routerId: 'r1', kind: 'haproxy' },
  } as const;
  const position = '0'.repeat(19) + '7';
  const applied = (routed: string[], unrouted: string[] = [], drained: string[] = []) =>
    ({
      type: 'RoutesApplied',
      v: 1,
      data: { routerId: 'r1', position, routed, unrouted, drained },
    }) as const;
  const record = (routed: string[], unrouted: string[] = [], drained: string[] = []) =>
    ({ type: 'RecordRoutes', position, routed, unrouted, drained }) as const;

  it('is started once', () => {
    given(router)().when({ type: 'StartRouter', routerId: 'r1', kind: 'haproxy' }).then(started);
    given(router)(started)
      .when({ type: 'StartRouter', routerId: 'r1', kind: 'haproxy' })
      .thenNothing();
  });
  it('records what changed and nothing else', () => {
    given(router)(started)
      .when(record(['i1', 'i2']))
      .then(applied(['i1', 'i2']));
    given(router)(started, applied(['i1']))
      .when(record(['i1', 'i2']))
      .then(applied(['i2']));
    given(router)(started, applied(['i1']))
      .when(record(['i1']))
      .thenNothing();
    given(router)(started, applied(['i1']))
      .when(record([], ['i1']))
      .then(applied([], ['i1']));
    given(router)(started, applied(['i1']), applied([], [], ['i1']))
      .when(record([], ['i1']))
      .thenNothing();
  });
  it('counts no more when it was removed', () => {
    given(router)(started, { type: 'RouterRemoved', v: 1, data: { routerId: 'r1' } })
      .when(record(['i1']))
      .thenRejected({ code: 'router-not-active' });
  });
});

describe('a node', () => {
  const seen = {
    nodeId: 'node-1',
    hostname: 'box',
    cpus: 2,
    memoryBytes: 1,
    engineVersion: '20.10',
    cgroupVersion: '1',
  } as const;
  const observed = { type: 'NodeObserved', v: 1, data: seen } as const;

  it('is recorded when something about it changed', () => {
    given(node)()
      .when({ type: 'ObserveNode', ...seen })
      .then(observed);
    given(node)(observed)
      .when({ type: 'ObserveNode', ...seen })
      .thenNothing();
    given(node)(observed)
      .when({ type: 'ObserveNode', ...seen, cpus: 4 })
      .then({ type: 'NodeObserved', v: 1, data: { ...seen, cpus: 4 } });
  });
});

describe('garbage', () => {
  const item = { kind: 'container', id: 'c1', appId: null, reason: 'old', bytes: null } as const;

  it('is recorded when there was some', () => {
    given(garbage)()
      .when({ type: 'RecordCollected', nodeId: 'n1', items: [item] })
      .then({ type: 'GarbageCollected', v: 1, data: { nodeId: 'n1', items: [item] } });
    given(garbage)().when({ type: 'RecordCollected', nodeId: 'n1', items: [] }).thenNothing();
  });
  it('has a policy that is recorded when it changes', () => {
    const policy = { nodeId: 'n1', exitedKept: 5, minimumAgeSeconds: 60 };
    const changed = { type: 'GarbagePolicyChanged', v: 1, data: policy } as const;
    given(garbage)()
      .when({ type: 'ChangePolicy', ...policy })
      .then(changed);
    given(garbage)(changed)
      .when({ type: 'ChangePolicy', ...policy })
      .thenNothing();
  });
});

describe('the audit', () => {
  const at = '2026-11-25T10:00:00.000Z';
  const actor = { kind: 'user', id: 'u1', name: 'ann' } as const;
  const seen = { actor, origin: null, count: 1, firstAt: at, lastAt: at };
  const refusal = {
    ...{ outcome: 'denied' as const, code: 'not-administrator', command: 'rebuildReadModels' },
    ...{ appId: null, target: null, reason: null, ...seen },
  } as const;
  const reading = { appId: 'a1', keys: ['A'], keysUnlisted: 0, ...seen };
  const operation = {
    operation: 'exec',
    appId: 'a1',
    target: 'shop',
    reason: null,
    ...seen,
  } as const;
  const none = {
    ...{ refusals: [], refusalsUnlisted: 0, reads: [], readsUnlisted: 0 },
    ...{ operations: [], operationsUnlisted: 0 },
  };
  const record = (more: object) => ({ type: 'RecordAudit', ...none, ...more }) as const;

  it('records what was refused, read and done, and nothing where there was none of it', () => {
    const refused = { refusals: [refusal], unlisted: 3 };
    const read = { reads: [reading], unlisted: 0 };
    given(audit)()
      .when(record({ refusals: [refusal], refusalsUnlisted: 3, reads: [reading] }))
      .then(
        { type: 'CommandsRefused', v: 1, data: refused },
        { type: 'SecretsRead', v: 1, data: read },
      );
    given(audit)()
      .when(record({ readsUnlisted: 2 }))
      .then({ type: 'SecretsRead', v: 1, data: { reads: [], unlisted: 2 } });
    given(audit)()
      .when(record({ operations: [operation] }))
      .then({ type: 'OperationsDone', v: 1, data: { operations: [operation], unlisted: 0 } });
    given(audit)().when(record({})).thenNothing();
  });

  it('does not grow the world with every day', () => {
    const world = new World();
    const days = ['2026-11-20', '2026-11-21', '2026-11-22', '2026-11-23', '2026-11-24'];
    days.forEach((day, i) => {
      const stream = `audit.${day}` as const;
      const data = { refusals: [], unlisted: 1 };
      const events = [{ type: 'CommandsRefused' as const, v: 1, data }];
      const position = toPosition(i + 1);
      const commit = commitAfter(stream, NO_COMMIT, { events });
      world.apply({ position, revision: position, hash: 'h', commit });
    });
    expect([...world.all('audit')]).toHaveLength(3);
    expect(world.get('audit', '2026-11-24').version).toBe(1);
    expect(world.get('audit', '2026-11-20').version).toBe(0);
  });
});
