import { constants } from 'node:os';
import type Docker from 'dockerode';
import type { ContainerCreateOptions } from 'dockerode';
import type { Limits } from '@shiplog/events';
import { LABEL, engineStatus, ownedBy } from '@shiplog/engine';
import {
  EngineError,
  type AddressRange,
  type Container,
  type ContainerEngine,
  type ContainerSpec,
  type ContainerStatus,
  type EngineErrorCode,
  type EngineFacts,
  type EngineNotice,
  type EngineWatcher,
  type ExecResult,
  type LogLine,
  type LogQuery,
  type RestartPolicy,
} from './container-engine.port.js';
import { execInContainer } from './docker-exec.js';
import { toContainer, toCreateOptions, toEngineError } from './docker-translate.js';
import { LogDemultiplexer } from './log-lines.js';
import { DockerLimits } from './docker-limits.js';
import { DockerNetworks } from './docker-networks.js';
import { pullImage } from './docker-pull.js';
import { DockerResolvers } from '../discovery/docker-resolvers.js';
import type { PublishAddress } from './publish-address.js';

const NOTICED = ['start', 'die', 'oom', 'kill', 'destroy', 'pause', 'unpause', 'restart', 'update'];

/** A daemon that does not tell in this time what it runs counts as one that is not there. */
const LIST_MS = 20_000;

/** Our picture of the networks is wrong. */
const LOST_PLACES: ReadonlySet<EngineErrorCode> = new Set(['address-taken', 'network-missing']);

interface Options {
  readonly publishAddress?: PublishAddress;
  readonly listMs?: number;
  /** Where there is one, instances are found by name. */
  readonly dnsmasq?: string | undefined;
  /** The name server of a team does not start. */
  readonly onResolverTrouble?: (teamId: string, error: unknown) => void;
}

export class DockerContainerEngine implements ContainerEngine {
  private readonly networks: DockerNetworks;
  readonly resources: DockerLimits;
  /** Null: there is no program that could answer names. */
  readonly resolvers: DockerResolvers | null;
  private readonly publishAddress: PublishAddress;
  private readonly listMs: number;

  constructor(
    private readonly docker: Docker,
    private readonly platform: string,
    { dnsmasq, onResolverTrouble = () => undefined, ...options }: Options = {},
  ) {
    this.publishAddress = options.publishAddress ?? (() => Promise.resolve('127.0.0.1'));
    this.listMs = options.listMs ?? LIST_MS;
    this.networks = new DockerNetworks(docker, platform);
    this.resources = new DockerLimits(docker);
    this.resolvers =
      dnsmasq === undefined
        ? null
        : new DockerResolvers(docker, this.networks, {
            ...{ platform, dnsmasq, onTrouble: onResolverTrouble },
          });
  }

  /** What the engine is told to make the container, whose network there is from here on. */
  async createOptions(spec: ContainerSpec): Promise<ContainerCreateOptions> {
    const teamId = spec.labels[LABEL.team] ?? '';
    const range = await this.networks.ensure(spec.network, teamId);
    const nameServers = range && (await this.resolvers?.serversFor(teamId, range));
    return toCreateOptions(spec, {
      publishAddress: await this.publishAddress(),
      nameServers: nameServers ?? [],
      disk: await this.resources.diskFor(spec),
    });
  }

  async facts(): Promise<EngineFacts> {
    const version = await this.ask('asking the engine for its version', () =>
      this.docker.version(),
    );
    const [first] = version.Components ?? [];
    return {
      name: first?.Name ?? 'Engine',
      version: version.Version,
      apiVersion: version.ApiVersion,
    };
  }

  async list() {
    const filters = ownedBy(this.platform, LABEL.instance);
    const found = await this.ask('listing containers', () =>
      this.docker.listContainers({
        ...{ all: true, filters },
        abortSignal: AbortSignal.timeout(this.listMs),
      }),
    );
    return found.map((summary) => ({
      id: summary.Id,
      instanceId: summary.Labels[LABEL.instance] ?? null,
      status: summary.State as ContainerStatus,
    }));
  }

  async inspect(id: string): Promise<Container | undefined> {
    try {
      return toContainer(await this.docker.getContainer(id).inspect());
    } catch (error) {
      if (engineStatus(error) === 404) return undefined;
      throw toEngineError(`inspecting container ${id}`, error);
    }
  }

  async create(spec: ContainerSpec): Promise<string> {
    const options = await this.createOptions(spec);
    try {
      const { id } = await this.docker.createContainer(options);
      await this.resources.verifyCreated(id, spec);
      return id;
    } catch (error) {
      if (engineStatus(error) === 409) return await this.findOwn(spec, error);
      this.networks.forget(spec.network);
      throw await this.resources.explain(
        spec,
        toEngineError(`creating container ${spec.name}`, error),
      );
    }
  }

  /** The name is taken: by our own earlier attempt, or by somebody else's container. */
  private async findOwn(spec: ContainerSpec, conflict: unknown): Promise<string> {
    const doing = `creating container ${spec.name}`;
    const info = await this.ask(doing, () => this.docker.getContainer(spec.name).inspect());
    const own = [LABEL.platform, LABEL.instance].every(
      (label) => info.Config.Labels[label] === spec.labels[label],
    );
    if (!own) throw new EngineError('name-taken', doing, toEngineError(doing, conflict).said);
    return info.Id;
  }

  async start(id: string): Promise<void> {
    try {
      await this.docker.getContainer(id).start();
    } catch (error) {
      if (engineStatus(error) === 304) return;
      const refused = toEngineError(`starting container ${id}`, error);
      if (LOST_PLACES.has(refused.code)) this.networks.forgetAll();
      throw refused;
    }
  }

  async stop(id: string, graceSeconds: number): Promise<void> {
    try {
      await this.docker.getContainer(id).stop({ t: graceSeconds });
    } catch (error) {
      if ([304, 404].includes(engineStatus(error) ?? 0)) return;
      throw toEngineError(`stopping container ${id}`, error);
    }
  }

  exec(id: string, command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    return this.ask(`running a command in container ${id}`, () =>
      execInContainer(this.docker, id, command, timeoutMs),
    );
  }

  async setRestartPolicy(id: string, policy: RestartPolicy): Promise<void> {
    try {
      await this.docker.getContainer(id).update({ RestartPolicy: { Name: policy } });
    } catch (error) {
      if (engineStatus(error) === 404) return;
      throw toEngineError(`setting the restart policy of container ${id}`, error);
    }
  }

  resize(id: string, limits: Limits): Promise<void> {
    return this.resources.resize(id, limits);
  }

  memoryInUse(id: string): Promise<number | null> {
    return this.resources.memoryInUse(id);
  }

  async remove(id: string): Promise<void> {
    try {
      await this.docker.getContainer(id).remove({ v: true });
    } catch (error) {
      if (engineStatus(error) === 404) return;
      throw toEngineError(`removing container ${id}`, error);
    }
  }

  async hasImage(imageId: string): Promise<boolean> {
    try {
      await this.docker.getImage(imageId).inspect();
      return true;
    } catch (error) {
      if (engineStatus(error) === 404) return false;
      throw toEngineError(`looking for image ${imageId}`, error);
    }
  }

  pull(repoDigest: string): Promise<void> {
    return pullImage(this.docker, repoDigest);
  }

  async removeNetwork(name: string): Promise<void> {
    await this.resolvers?.remove(name);
    return this.networks.remove(name);
  }

  async lastLines(id: string, query: LogQuery): Promise<readonly LogLine[]> {
    try {
      const bytes = await this.docker.getContainer(id).logs({
        stdout: true,
        stderr: true,
        timestamps: true,
        follow: false,
        tail: query.lines,
        ...(query.since === undefined ? {} : { since: toSeconds(query.since) }),
        ...(query.until === undefined ? {} : { until: toSeconds(query.until) }),
      });
      const lines: LogLine[] = [];
      const demultiplexer = new LogDemultiplexer((line) => lines.push(line));
      demultiplexer.push(bytes);
      demultiplexer.end();
      return lines;
    } catch (error) {
      if (engineStatus(error) === 404) return [];
      throw toEngineError(`reading the log of container ${id}`, error);
    }
  }

  async watch({ onOpen, onNotice }: EngineWatcher, signal: AbortSignal): Promise<void> {
    const stream = await this.ask('watching the engine', () =>
      this.docker.getEvents({
        filters: { type: ['container'], event: NOTICED, ...ownedBy(this.platform) },
        abortSignal: signal,
      }),
    );
    onOpen();
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') onNotice(toNotice(line));
    });
    await new Promise<void>((resolve, reject) => {
      const broken = (error?: Error): void => {
        if (signal.aborted) resolve();
        else reject(toEngineError('watching the engine', error ?? new Error('the stream ended')));
      };
      stream.once('end', () => broken()).once('close', () => broken());
      stream.once('error', broken);
    });
  }

  ensureNetwork(name: string, teamId: string): Promise<AddressRange | null> {
    return this.networks.ensure(name, teamId);
  }

  private async ask<T>(doing: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw toEngineError(doing, error);
    }
  }
}

const toSeconds = (iso: string): string => {
  const [, fraction = '0'] = /\.(\d+)/.exec(iso) ?? [];
  return `${Math.floor(Date.parse(iso) / 1000)}.${fraction.padEnd(9, '0')}`;
};

const toNotice = (line: string): EngineNotice => {
  const event = JSON.parse(line) as {
    Action?: string;
    timeNano?: number;
    Actor?: { ID?: string; Attributes?: Record<string, string> };
  };
  const exitCode = event.Actor?.Attributes?.['exitCode'];
  const signal = event.Actor?.Attributes?.['signal'];
  return {
    containerId: event.Actor?.ID ?? '',
    what: WHAT[event.Action ?? ''] ?? 'changed',
    exitCode: exitCode === undefined ? null : Number(exitCode),
    ...(signal === undefined ? {} : { signal: signalName(signal) }),
    atMs: (event.timeNano ?? 0) / 1e6,
  };
};

const WHAT: Readonly<Record<string, EngineNotice['what']>> = {
  start: 'started',
  die: 'die',
  oom: 'oom',
  kill: 'signalled',
};

/** The engine tells its number, on some machines its name. */
const signalName = (told: string): string => {
  const known = Object.entries(constants.signals).find(([, number]) => String(number) === told);
  return known?.[0] ?? (told.startsWith('SIG') ? told : `SIG${told}`);
};
