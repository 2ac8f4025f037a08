import type { ContainerCreateOptions, ContainerInspectInfo } from 'dockerode';
import { LABEL, NoAnswerError, engineStatus } from '@shiplog/engine';
import { toEngineLimits, toEngineSurroundings, toLimits } from './docker-resources.js';
import {
  EngineError,
  type Container,
  type ContainerSpec,
  type ContainerStatus,
  type EngineErrorCode,
} from './container-engine.port.js';

/**
 * What servers in ordinary images need: binding ports below 1024, taking over files, changing to
 * another user, signalling workers. Left out of the engine's default list: AUDIT_WRITE, MKNOD,
 * NET_RAW, SETFCAP, SETPCAP, SYS_CHROOT.
 */
const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'NET_BIND_SERVICE',
  'SETGID',
  'SETUID',
] as const;

/** Logs of one container take at most 3 × 10 MB, whatever it writes. */
const LOG_CONFIG = { Type: 'local', Config: { 'max-size': '10m', 'max-file': '3' } };

interface Host {
  /** An address of the engine's host that is not reached from other machines. */
  readonly publishAddress?: string;
  /** Asked in turn for what is no name of a container; none: the engine's own choice. */
  readonly nameServers?: readonly string[];
  /** The disk that the engine keeps containers on, where it has to be limited. */
  readonly disk?: string | null;
}

export const toCreateOptions = (
  spec: ContainerSpec,
  { publishAddress = '127.0.0.1', nameServers = [], disk = null }: Host = {},
): ContainerCreateOptions => {
  const port = spec.publish === null ? undefined : `${spec.publish.containerPort}/tcp`;
  return {
    name: spec.name,
    Image: spec.imageId,
    ...commandOf(spec),
    Env: Object.entries(spec.env).map(([key, value]) => `${key}=${value}`),
    Labels: { ...spec.labels },
    ...(port === undefined ? {} : { ExposedPorts: { [port]: {} } }),
    ...(spec.address === null
      ? {}
      : {
          NetworkingConfig: {
            EndpointsConfig: { [spec.network]: { IPAMConfig: { IPv4Address: spec.address } } },
          },
        }),
    HostConfig: {
      ...FENCE,
      ...toEngineLimits(spec.limits),
      ...toEngineSurroundings(spec.surroundings, disk),
      NetworkMode: spec.network,
      ...(nameServers.length === 0 ? {} : { Dns: [...nameServers] }),
      ...(port === undefined
        ? {}
        : {
            PortBindings: {
              [port]: [{ HostIp: publishAddress, HostPort: String(spec.publish?.hostPort) }],
            },
          }),
      RestartPolicy: { Name: 'no' },
    },
  };
};

const commandOf = ({ command, isWhole }: ContainerSpec) => {
  if (command === null) return {};
  if (isWhole !== true) return { Cmd: [...command] };
  const [entrypoint = '', ...rest] = command;
  return { Entrypoint: [entrypoint], Cmd: rest };
};

/** The fence around everything we run: instances and one-off commands alike. */
const FENCE = {
  CapDrop: ['ALL'],
  CapAdd: [...CAPABILITIES],
  SecurityOpt: ['no-new-privileges'],
  LogConfig: LOG_CONFIG,
  // A first process that reaps orphans and passes signals on: most programs are no init.
  Init: true,
};

const NEVER = '0001-01-01T00:00:00Z';
const timeOf = (text: string | undefined): string | null =>
  text === undefined || text === '' || text === NEVER ? null : text;

export const toContainer = (info: ContainerInspectInfo): Container => {
  const { State: state, HostConfig: host } = info;
  const status = state.Status as ContainerStatus;
  const startedAt = timeOf(state.StartedAt);
  const runs = status === 'running' || status === 'paused';
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    instanceId: info.Config.Labels[LABEL.instance] ?? null,
    appId: info.Config.Labels[LABEL.app] ?? null,
    status,
    startedAt,
    finishedAt: timeOf(state.FinishedAt),
    exitCode: runs || startedAt === null ? null : state.ExitCode,
    oomKilled: state.OOMKilled,
    restartCount: info.RestartCount,
    restartPolicy: host.RestartPolicy?.Name === 'unless-stopped' ? 'unless-stopped' : 'no',
    pid: runs && state.Pid > 0 ? state.Pid : null,
    limits: toLimits(host),
  };
};

/** Sentences of the engine, runc and containerd; checked against Engine 20.10, worded alike since 1.13. */
const SENTENCES: readonly (readonly [RegExp, EngineErrorCode])[] = [
  // Of addresses with a capital letter, of ports (`bind: address already in use`) without.
  [
    /Address already in use|does not belong to any of this network|no configured subnet/,
    'address-taken',
  ],
  [/port is already allocated|address already in use|ports are not available/i, 'port-taken'],
  [/network .+ not found/i, 'network-missing'],
  [/no such image/i, 'image-missing'],
  [/no such container/i, 'container-missing'],
  // About a file of the engine's own both may be said, too: of the command only behind `exec:`.
  [
    /exec: .*no such file or directory|executable file .*not found|no command specified/i,
    'no-such-executable',
  ],
  [
    /exec: .*(permission denied|is a directory)|oci permission denied|exec format error/i,
    'not-executable',
  ],
];

/** Everything that dockerode throws becomes the port's one error. */
export const toEngineError = (doing: string, error: unknown): EngineError => {
  if (error instanceof EngineError) return error;
  const status = engineStatus(error);
  const said = sentenceOf(error);
  if (error instanceof NoAnswerError)
    return new EngineError('no-answer', doing, said, { cause: error });
  if (status === undefined)
    return new EngineError('engine-unreachable', doing, said, { cause: error });
  const known = SENTENCES.find(([pattern]) => pattern.test(said));
  return new EngineError(known?.[1] ?? 'engine-refused', doing, said, { cause: error });
};

const sentenceOf = (error: unknown): string => {
  if (typeof error !== 'object' || error === null) return String(error);
  const json = 'json' in error ? error.json : undefined;
  if (typeof json === 'object' && json !== null && 'message' in json) return String(json.message);
  return error instanceof Error ? error.message : 'the engine gave no reason';
};
