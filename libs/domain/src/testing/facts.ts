import type { AppEvent, Explanation, Image } from '@shiplog/events';

/** Named facts that specs build on. */
export const APP = 'app-1';

export const imageOf = (n: number): Image => ({
  id: `sha256:${n.toString(16).padStart(64, '0')}`,
  ref: `shiplog/app-1:b${n}`,
  sizeBytes: 1000 * n,
  exposedPorts: [8080],
  repoDigest: null,
});

export const created: AppEvent = {
  type: 'AppCreated',
  v: 1,
  data: { appId: APP, name: 'hello', teamId: 'team-1' },
};

type Released = Extract<AppEvent, { type: 'ReleaseCreated' }>;

/** Release `version`, built by build `b<version>`, unless told otherwise. */
export const released = (version: number, more: Partial<Released['data']> = {}): Released => ({
  type: 'ReleaseCreated',
  v: 1,
  data: {
    appId: APP,
    version,
    generation: version,
    image: imageOf(version),
    buildId: `b${version}`,
    processes: { web: { command: null } },
    rollbackOf: null,
    liveVersion: version > 1 ? version - 1 : null,
    cause: 'build',
    ...more,
  },
});

export const scaled = (formation: Record<string, number>): AppEvent => ({
  type: 'FormationScaled',
  v: 1,
  data: { appId: APP, formation },
});

export const configured = (set: Record<string, string>, unset: string[] = []): AppEvent => ({
  type: 'ConfigChanged',
  v: 1,
  data: { appId: APP, set, unset },
});

export const explained = (code: string): Explanation => ({
  code,
  summary: 'it ended',
  remedy: null,
  tried: null,
  probe: null,
  listening: [],
  exitCode: 1,
  oomKilled: false,
  instanceId: null,
  logLines: [],
});
