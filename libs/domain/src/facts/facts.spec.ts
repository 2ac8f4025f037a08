import { describe, it } from 'vitest';
import { given } from '../testing/index.js';
import { garbage } from './garbage.js';
import { node } from './node.js';
import { router } from './router.js';

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
