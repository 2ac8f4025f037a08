import type { DomainEventUnion } from '../registry.js';
import { aliveCheck } from './sample-check.js';
import { auditSamples } from './audit-samples.js';
import { certificateSamples } from './certificate-samples.js';
import { gateSamples } from './gate-samples.js';
import { strategySamples } from './strategy-samples.js';
import { instanceSamples } from './instance-samples.js';
import { ownLimits, resourceSettings } from './sample-resources.js';
import { runSamples } from './run-samples.js';
import { trafficSample } from './traffic-sample.js';
import { volumeSamples } from './volume-samples.js';

/** One complete example of every event type, each field filled: the source of new golden files. */
type Samples = {
  readonly [T in DomainEventUnion['type']]: Extract<DomainEventUnion, { type: T }>['data'];
};

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const appId = '01936f3e-8d1a-7c52-9f00-a1b2c3d4e5f6';
const buildId = '01936f3e-8d1a-7c52-9f00-00000000b001';
const instanceId = '01936f3e-8d1a-7c52-9f00-00000000c001';
const userId = '01936f3e-8d1a-7c52-9f00-00000000d001';
const teamId = '01936f3e-8d1a-7c52-9f00-00000000e001';
const rolloutId = `${appId}-7`;

const backupId = '20261126T030000Z-0123abcd';
const backupTarget = 's3://backups/shiplog?region=eu-central-1';

const image = {
  id: digest,
  ref: 'shiplog/hello:v3',
  sizeBytes: 123_456_789,
  exposedPorts: [80, 8080],
  repoDigest: `registry.example.com/team/hello@${digest}`,
};

const explanation = {
  code: 'wrong-address',
  summary: 'The app listens on 127.0.0.1:3000, where nobody outside its container can reach it.',
  remedy: 'Bind 0.0.0.0, or set --port.',
  tried: 'TCP connections to port 8080 for 60 s',
  probe: 'connection refused',
  listening: ['127.0.0.1:3000'],
  exitCode: 137,
  oomKilled: true,
  instanceId,
  logLines: ['listening on 127.0.0.1:3000', 'Grüße aus dem Container 🚢'],
};

const processes = { web: { command: ['node', 'server.js'] }, worker: { command: null } };

export const samples: Samples = {
  ...gateSamples,
  ...certificateSamples,
  ...runSamples({ appId, rolloutId }),
  ...volumeSamples({ appId, teamId }),
  TrafficPolicyChanged: { appId, policy: trafficSample },
  BasicAuthChanged: {
    appId,
    set: { 'ann@example.com': 'enc1.aXYtaXYtaXYt.dGFnLXRhZy10YWc.Y2lwaGVydGV4dA' },
    unset: ['bob'],
    passesHeader: true,
  },
  AppCreated: { appId, name: 'hello', teamId },
  ConfigChanged: {
    appId,
    set: { DATABASE_URL: 'enc1.aXYtaXYtaXYt.dGFnLXRhZy10YWc.Y2lwaGVydGV4dA' },
    unset: ['OLD_KEY'],
  },
  SettingsChanged: {
    appId,
    changes: {
      port: 3000,
      protocol: 'h2c',
      healthPath: '/healthz?full=1',
      startTimeoutSeconds: 60,
      rolloutTimeoutSeconds: 300,
      drainSeconds: 30,
      graceSeconds: 30,
      memoryBytes: 536_870_912,
      cpus: 0.5,
      pids: 512,
      releasesKept: 20,
      ...resourceSettings,
      canarySteps: '0,25',
      canaryMatch: 'header:x-canary=yes',
    },
  },
  HealthCheckChanged: { appId, process: 'worker', probe: 'liveness', check: aliveCheck },
  ProcessResized: { appId, process: 'worker', limits: ownLimits },
  BuildRequested: {
    appId,
    buildId,
    source: {
      kind: 'archive',
      digest,
      via: 'git',
      commit: '0123456789abcdef0123456789abcdef01234567',
      branch: 'main',
    },
  },
  BuildCancelRequested: { appId, buildId },
  ReleaseCreated: {
    appId,
    version: 3,
    generation: 7,
    image,
    buildId,
    processes,
    rollbackOf: 1,
    liveVersion: 2,
    cause: 'rollback',
  },
  FormationScaled: { appId, formation: { web: 3, worker: 0 } },
  AppRestarted: { appId, generation: 8, version: 3 },
  AppStopped: { appId },
  AppStarted: { appId },
  RolloutCancelRequested: { appId, rolloutId },
  DomainAdded: { appId, host: 'www.example.com/api', use: { kind: 'serve', strip: true } },
  DomainUseChanged: {
    appId,
    host: 'example.com',
    use: { kind: 'redirect', to: 'www.example.com', status: 308 },
  },
  DomainRemoved: { appId, host: 'www.example.com/api' },
  AppDestroyed: { appId },

  TeamCreated: { teamId, name: 'Crew' },
  TeamMemberAdded: { teamId, userId },
  UserCreated: { userId, name: 'ann', administrator: true },
  PersonErased: { userId },
  TokenCreated: {
    tokenId: '01936f3e-8d1a-7c52-9f00-00000000f001',
    userId,
    name: 'laptop',
    hash: '0123456789abcdef'.repeat(4),
    scope: { kind: 'push', appId },
    expiresAt: '2026-12-21T10:00:00.000Z',
  },
  TokenRevoked: { tokenId: '01936f3e-8d1a-7c52-9f00-00000000f001' },
  NameReserved: { name: 'hello', appId, teamId },
  NameReleased: { name: 'hello', appId },
  DomainReserved: { host: '*.example.com', appId, teamId },
  DomainProofDemanded: {
    host: '*.example.com',
    appId,
    since: '2026-11-26T10:00:00.000Z',
    until: '2026-12-03T10:00:00.000Z',
  },
  DomainLookedUp: {
    host: '*.example.com',
    appId,
    outcome: 'failed',
    reason: 'there is no TXT record at _shiplog-challenge.example.com',
    at: '2026-11-26T10:01:00.000Z',
  },
  DomainReleased: { host: 'www.example.com', appId },
  PortAdded: { appId, port: 32_100, process: 'broker', containerPort: 1883 },
  PortRemoved: { appId, port: 32_100 },
  PortReserved: { port: 32_100, appId, teamId },
  PortReleased: { port: 32_100, appId },

  BuildStarted: { buildId, appId, sourceDigest: digest },
  BuildSucceeded: { buildId, appId, image, processes, stack: 'node', durationMs: 41_500 },
  BuildFailed: { buildId, appId, explanation },
  BuildCancelled: { buildId, appId },
  ImageRebuilt: { buildId, appId, image },
  ImageLost: { buildId, appId, explanation },

  ...strategySamples,
  RolloutStarted: {
    rolloutId,
    appId,
    generation: 7,
    version: 3,
    fromVersion: 2,
    deadline: '2026-11-21T10:05:00.000Z',
  },
  RolloutCompleted: { rolloutId, appId, generation: 7, version: 3 },
  RolloutFailed: { rolloutId, appId, generation: 7, version: 3, explanation },
  RolloutCancelled: { rolloutId, appId, generation: 7, version: 3, cause: 'superseded' },

  ...instanceSamples({ appId, instanceId }),

  RouterStarted: { routerId: 'node-1', kind: 'haproxy' },
  RoutesApplied: {
    routerId: 'node-1',
    position: '00000000000000000042',
    routed: [instanceId],
    unrouted: ['01936f3e-8d1a-7c52-9f00-00000000c000'],
    drained: ['01936f3e-8d1a-7c52-9f00-00000000bfff'],
  },
  RouterRemoved: { routerId: 'node-1' },
  NodeObserved: {
    nodeId: 'node-1',
    hostname: 'harbour.example.com',
    cpus: 2,
    memoryBytes: 8_589_934_592,
    engineVersion: '20.10.24',
    cgroupVersion: 'hybrid',
  },
  GarbageCollected: {
    nodeId: 'node-1',
    items: [
      {
        kind: 'container',
        id: '0123456789abcdef'.repeat(4),
        appId,
        reason: 'exited 2 h ago; the newest 3 are kept',
        bytes: 1_024,
      },
      { kind: 'image', id: digest, appId: null, reason: 'no release needs it', bytes: null },
    ],
  },
  GarbagePolicyChanged: { nodeId: 'node-1', exitedKept: 3, minimumAgeSeconds: 3_600 },

  BackupPolicyChanged: {
    nodeId: 'node-1',
    schedule: 'daily 03:00',
    target: '/srv/backups/shiplog',
    keep: '3,7d,4w,12m',
  },
  BackupStarted: { nodeId: 'node-1', backupId, target: backupTarget, cause: 'schedule' },
  BackupSucceeded: {
    nodeId: 'node-1',
    backupId,
    target: backupTarget,
    position: '00000000000000000042',
    manifest: digest,
    bytes: 234_567_890,
    addedBytes: 4_096,
    objects: 37,
    durationMs: 1_250,
    missing: [{ kind: 'source', name: digest, why: 'its build is not kept any more' }],
    volumes: [
      {
        ...{ appId, volumeId: 'vol_0123456789abcdef01234567', name: 'data' },
        ...{ outcome: 'saved', bytes: 1_048_576, why: null },
      },
    ],
  },
  BackupHookRan: {
    ...{ nodeId: 'node-1', backupId, appId, name: 'data', ranIn: 'ins_0123456789ab' },
    volumeId: 'vol_0123456789abcdef01234567',
    outcome: 'failed',
    exitCode: 1,
    said: 'pg_dump: error: connection refused',
    durationMs: 120,
  },
  BackupFailed: {
    nodeId: 'node-1',
    backupId,
    target: backupTarget,
    code: 'target-unavailable',
    summary: 'writing objects/01/0123: ENOSPC: no space left on device',
  },
  BackupVerified: {
    nodeId: 'node-1',
    backupId,
    target: backupTarget,
    objects: 37,
    bytes: 234_567_890,
    commits: 42,
    verifiedAt: '2026-11-26T03:10:00.000Z',
  },
  BackupVerificationFailed: {
    nodeId: 'node-1',
    backupId,
    target: backupTarget,
    code: 'object-damaged',
    summary: 'objects/01/0123 does not hold what it was written with',
  },
  BackupsPruned: { nodeId: 'node-1', target: backupTarget, backupIds: [backupId], bytes: 8_192 },
  BackupRestored: {
    nodeId: 'node-1',
    backupId,
    target: backupTarget,
    position: '00000000000000000042',
    restoredAt: '2026-11-26T04:00:00.000Z',
    withKeys: true,
  },
  MasterKeyRotationRequested: { keyId: 'mk_0123456789abcdef', previousKeyId: 'mk_fedcba9876543210' },
  MasterKeyRotated: {
    keyId: 'mk_0123456789abcdef',
    previousKeyId: 'mk_fedcba9876543210',
    keys: 12,
  },
  ...auditSamples({ appId, userId }),
};
