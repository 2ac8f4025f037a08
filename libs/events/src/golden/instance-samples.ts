import type { InstanceEvent } from '../facts.js';
import { limits, refusal } from './sample-resources.js';

type InstanceSamples = {
  readonly [T in InstanceEvent['type']]: Extract<InstanceEvent, { type: T }>['data'];
};

/** Of the life of an instance. */
export const instanceSamples = ({
  appId,
  instanceId,
}: {
  readonly appId: string;
  readonly instanceId: string;
}): InstanceSamples => ({
  InstanceScheduled: {
    instanceId,
    appId,
    process: 'web',
    version: 3,
    generation: 7,
    nodeId: 'node-1',
    port: 21_000,
    containerPort: 8080,
    protocol: 'h2c',
    address: '10.200.5.7',
  },
  InstanceStarted: {
    instanceId,
    appId,
    containerId: '0123456789abcdef'.repeat(4),
    restarts: 1,
    startedAt: '2026-11-21T10:00:01.250Z',
  },
  InstanceReady: { instanceId, appId, reach: 'direct' },
  InstanceCheckPassed: { instanceId, appId, check: 'http 200-399 /healthz' },
  InstanceUnready: { instanceId, appId, cause: 'readiness', check: 'tcp', got: 'HTTP 503: down' },
  InstanceExited: {
    instanceId,
    appId,
    exitCode: 1,
    oomKilled: false,
    logLines: ['Error: cannot find module "left-pad"'],
  },
  InstanceResized: { instanceId, appId, limits, cause: 'asked' },
  InstanceResizeRefused: { instanceId, appId, limits, ...refusal },
  InstanceSignalled: {
    instanceId,
    appId,
    signal: 'SIGTERM',
    graceSeconds: 30,
    at: '2026-11-26T03:00:00.123456789Z',
  },
  InstanceRetired: { instanceId, appId, reason: 'superseded' },
  InstanceStopped: { instanceId, appId, exitCode: 143, killed: false },
});
