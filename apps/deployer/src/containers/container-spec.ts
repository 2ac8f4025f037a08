import { createHash } from 'node:crypto';
import { limitsOf, type ActiveApp, type Release } from '@shiplog/domain';
import type { Image, Settings } from '@shiplog/events';
import { LABEL } from '@shiplog/engine';
import type { ContainerSpec, Surroundings } from './container-engine.port.js';
import type { Mount } from './volume-store.js';
import { internalName } from '../discovery/team-hosts.js';

/** Where the image says nothing, or says more than one thing. */
const DEFAULT_CONTAINER_PORT = 8080;

export const containerPortOf = (setting: number | null, image: Image): number => {
  const [exposed, ...more] = image.exposedPorts;
  if (setting !== null) return setting;
  return exposed !== undefined && more.length === 0 ? exposed : DEFAULT_CONTAINER_PORT;
};

interface Platform {
  readonly platform: string;
  readonly domain: string;
  readonly nodeId: string;
}

interface Common {
  readonly platform: Platform;
  readonly app: ActiveApp;
  readonly release: Release;
  readonly image: Image;
  /** Decrypted. */
  readonly config: Readonly<Record<string, string>>;
  /** Volumes, which are there already. */
  readonly mounts?: readonly Mount[];
}

interface InstanceParts extends Common {
  readonly instance: {
    readonly instanceId: string;
    readonly process: string;
    readonly port: number | null;
    readonly containerPort: number | null;
    readonly address?: string | null | undefined;
  };
}

export const networkName = ({ platform }: Pick<Platform, 'platform'>, teamId: string): string =>
  `${platform}-${teamId}`;

/** Everything of one instance's container. The name is derived from the instance: a repetition meets itself. */
export const instanceSpec = (parts: InstanceParts): ContainerSpec => {
  const { app, instance, release } = parts;
  const { instanceId, process, port, containerPort, address = null } = instance;
  return {
    ...common(parts, process),
    name: `${parts.platform.platform}-${app.name}-${process}-${suffixOf(instanceId)}`,
    command: release.processes[process]?.command ?? null,
    env: {
      ...parts.config,
      ...platformEnvironment(parts, process),
      SHIPLOG_INSTANCE: instanceId,
      ...(address === null ? {} : { SHIPLOG_ADDRESS: address }),
      ...(port === null ? {} : { SHIPLOG_HOST_PORT: String(port) }),
      ...(containerPort === null ? {} : { PORT: String(containerPort) }),
    },
    labels: {
      ...labels(parts, process),
      [LABEL.instance]: instanceId,
    },
    address,
    publish: port === null || containerPort === null ? null : { hostPort: port, containerPort },
  };
};

/** A one-off command: the same image, config, network and limits as the live release, and no port. */
export const runSpec = (
  parts: Common & {
    readonly runId: string;
    readonly command: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly isDetached: boolean;
    /** What it goes by in lists. */
    readonly process: string;
  },
): ContainerSpec => ({
  ...common(parts, sizedAs(parts.process)),
  name: `${parts.platform.platform}-${parts.app.name}-run-${suffixOf(parts.runId)}`,
  command: parts.command,
  isWhole: true,
  env: {
    ...parts.config,
    ...parts.env,
    ...platformEnvironment(parts, parts.process, sizedAs(parts.process)),
    SHIPLOG_RUN: parts.runId,
  },
  labels: {
    ...labels(parts, parts.process),
    [LABEL.instance]: parts.runId,
    [LABEL.kind]: 'run',
    ...(parts.isDetached ? { [LABEL.detached]: 'true' } : {}),
  },
  address: null,
  publish: null,
});

/** A job is not the process type whose name it may have; a release command is sized by its own. */
const sizedAs = (process: string): string => (process === 'release' ? process : 'run');

const common = ({ app, image, platform, mounts = [] }: Common, process: string) => ({
  imageId: image.id,
  network: networkName(platform, app.teamId),
  limits: limitsOf(app, process),
  surroundings: surroundingsOf(app.settings),
  ...(mounts.length === 0 ? {} : { mounts }),
});

const surroundingsOf = (settings: Settings): Surroundings => ({
  ioReadBps: settings.ioReadBps,
  ioWriteBps: settings.ioWriteBps,
  ioReadIops: settings.ioReadIops,
  ioWriteIops: settings.ioWriteIops,
  ulimits: settings.ulimits,
  shmBytes: settings.shmBytes,
  readOnlyRoot: settings.readOnlyRoot,
  tmpfs: settings.tmpfs,
  runtime: settings.runtime,
});

/** After the config, so that nobody is told something else about the platform than what is so. */
const platformEnvironment = (
  { platform, app, release }: Common,
  process: string,
  sized = process,
) => {
  const limits = limitsOf(app, sized);
  return {
    SHIPLOG_PLATFORM: platform.platform,
    SHIPLOG_APP: app.name,
    SHIPLOG_APP_ID: app.appId,
    SHIPLOG_PROCESS: process,
    SHIPLOG_RELEASE: `v${release.version}`,
    SHIPLOG_HOST: `${app.name}.${platform.domain}`,
    SHIPLOG_INTERNAL_HOST: internalName(app.name),
    SHIPLOG_NODE: platform.nodeId,
    // Tools inside see the machine's figures; these hold at the start. What holds after a live change
    // stands in the instance's cgroup, which it sees under /sys/fs/cgroup.
    SHIPLOG_MEMORY_BYTES: String(limits.memoryBytes),
    SHIPLOG_MEMORY_RESERVATION_BYTES: String(limits.memoryReservationBytes),
    SHIPLOG_CPUS: String(limits.cpus),
    SHIPLOG_CPU_RESERVATION: String(limits.cpuReservation),
    SHIPLOG_PIDS: String(limits.pids),
  };
};

const labels = ({ platform, app, release }: Common, process: string) => ({
  [LABEL.platform]: platform.platform,
  [LABEL.app]: app.appId,
  [LABEL.team]: app.teamId,
  [LABEL.release]: String(release.version),
  [LABEL.process]: process,
});

/** The part of an id that tells it from others: what follows its last dash, or a hash of a longer one. */
const suffixOf = (id: string): string => {
  const tail = id.slice(id.lastIndexOf('-') + 1);
  return tail.length >= 8 && tail.length <= 12
    ? tail
    : createHash('sha256').update(id).digest('hex').slice(0, 12);
};
