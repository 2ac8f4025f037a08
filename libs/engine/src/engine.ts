import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import { withPatience } from './patience.js';

/** Labels on everything we create. Nothing without our platform's label is ever touched. */
export const LABEL = {
  platform: 'shiplog.platform',
  app: 'shiplog.app',
  release: 'shiplog.release',
  process: 'shiplog.process',
  instance: 'shiplog.instance',
  build: 'shiplog.build',
  team: 'shiplog.team',
  /** On volumes: the id. */
  volume: 'shiplog.volume',
  /** `run` for one-off containers, `resolver` for the name server of a team; absent on instances. */
  kind: 'shiplog.kind',
  /** On one-off containers that go on when nobody watches them. */
  detached: 'shiplog.detached',
} as const;

/** Labels of a volume of an app. */
export const volumeLabels = (of: {
  readonly platform: string;
  readonly appId: string;
  readonly volumeId: string;
}): Readonly<Record<string, string>> => ({
  [LABEL.platform]: of.platform,
  [LABEL.app]: of.appId,
  [LABEL.volume]: of.volumeId,
});

const ANSWER_WITHIN_MS = 10 * 60_000;

export interface EngineOptions {
  /** `unix:///…` or `tcp://…`; default: DOCKER_HOST, else the socket of Docker, rootless Docker or podman. */
  readonly host?: string;
  /** A call without an answer for so long fails with `NoAnswerError`; default: ten minutes, for what an engine does while it says nothing, such as packing a large image. */
  readonly answerWithinMs?: number;
}

/** A client of the engine this machine has. It connects at the first call. */
export const connectEngine = ({
  answerWithinMs = ANSWER_WITHIN_MS,
  ...options
}: EngineOptions = {}): Docker => withPatience(clientOf(options), answerWithinMs);

const clientOf = (options: EngineOptions): Docker => {
  const host = options.host ?? process.env['DOCKER_HOST'] ?? `unix://${findSocket()}`;
  if (host.startsWith('unix://')) return new Docker({ socketPath: host.slice('unix://'.length) });
  const url = new URL(host.replace(/^tcp:/, 'http:'));
  return new Docker({ protocol: 'http', host: url.hostname, port: Number(url.port || 2375) });
};

const findSocket = (): string => {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  const candidates = [
    '/var/run/docker.sock',
    ...(runtime === undefined
      ? []
      : [join(runtime, 'docker.sock'), join(runtime, 'podman/podman.sock')]),
    '/run/podman/podman.sock',
  ];
  return candidates.find((path) => existsSync(path)) ?? '/var/run/docker.sock';
};

/** Filter for list calls: only what this platform made. */
export const ownedBy = (platform: string, ...labels: readonly string[]): { label: string[] } => ({
  label: [`${LABEL.platform}=${platform}`, ...labels],
});

/** HTTP status of an engine error; undefined when the engine was not reached. */
export const engineStatus = (error: unknown): number | undefined =>
  typeof error === 'object' && error !== null && 'statusCode' in error
    ? (error.statusCode as number)
    : undefined;
