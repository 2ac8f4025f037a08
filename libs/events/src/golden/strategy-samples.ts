const appId = '01936f3e-8d1a-7c52-9f00-a1b2c3d4e5f6';
const instanceId = '01936f3e-8d1a-7c52-9f00-00000000c001';
const rolloutId = `${appId}-7`;

/** Of how releases take each other's place, and come from one app to another. */
export const strategySamples = {
  RolloutStrategySet: {
    rolloutId,
    appId,
    generation: 7,
    version: 3,
    strategy: {
      kind: 'canary' as const,
      steps: [0, 25],
      match: 'cookie:beta=1',
      stepSeconds: 300,
      promote: 'manual' as const,
      requests: 100,
      errorPoints: 1,
      latencyPercent: null,
    },
  },
  RolloutStepped: {
    rolloutId,
    appId,
    generation: 7,
    version: 3,
    step: 1,
    percent: 10,
    at: '2026-11-21T10:00:20.000Z',
  },
  RolloutPromoteRequested: { appId, rolloutId, step: 2 },
  ReleasePromoted: {
    appId,
    version: 3,
    fromAppId: '01936f3e-8d1a-7c52-9f00-00000000a00f',
    fromVersion: 12,
    commit: '0123456789abcdef0123456789abcdef01234567',
    branch: 'main',
  },
  RouteWeightsApplied: { routerId: 'node-1', weights: { [instanceId]: 19 } },
};
