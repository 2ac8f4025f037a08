import type { DomainEventUnion, Limits, RecordedCommit } from '@shiplog/events';
import type { World } from '@shiplog/domain';
import { outagesOf, outageText } from '../deploys/running-once.js';
import type { News } from './progress-event.js';

type RoutesApplied = Extract<DomainEventUnion, { type: 'RoutesApplied' }>['data'];

/**
 * Tells in short what happened to the instances of one app. It remembers what instances are called,
 * because the world forgets them when they stop.
 */
export class Steps {
  private readonly names = new Map<string, string>();
  private readonly routed = new Set<string>();
  private readonly commands = new Set<string>();
  /** A commit is told once, whether it was read from the log or came with the feed. */
  private readonly told = new Set<string>();

  constructor(
    private readonly world: World,
    private readonly appId: string,
  ) {
    for (const { instanceId, process } of world.instancesOf(appId)) {
      this.names.set(instanceId, nameOf(process, instanceId));
      if (this.isRouted(instanceId)) this.routed.add(instanceId);
    }
  }

  of(records: readonly RecordedCommit[]): readonly News[] {
    return records.flatMap((record) => {
      if (this.told.has(record.position)) return [];
      this.told.add(record.position);
      return record.commit.events.flatMap((event) =>
        this.textsOf(event).map((text): News => ({ kind: 'step', text })),
      );
    });
  }

  private textsOf(event: DomainEventUnion): readonly string[] {
    if (event.type === 'RoutesApplied') return this.routeTexts(event.data);
    if (!('appId' in event.data) || event.data.appId !== this.appId) return [];
    this.remember(event);
    if (event.type === 'RolloutStarted') return [textOf(event) ?? '', ...this.outages()];
    // Other runs of the app are nobody's business here.
    if ('runId' in event.data && !this.isReleaseCommand(event.data.runId)) return [];
    const text = textOf(event);
    if (text === undefined) return [];
    return 'instanceId' in event.data
      ? [`${this.names.get(event.data.instanceId) ?? event.data.instanceId}: ${text}`]
      : [text];
  }

  private routeTexts({ routed, unrouted, drained }: RoutesApplied): readonly string[] {
    return [
      ...this.newlyRouted(routed),
      ...this.named(unrouted).map((name) => `${name}: out of routing`),
      ...this.named(drained).map((name) => `${name}: drained`),
    ];
  }

  /** What nobody can be spared is said before it begins. */
  private outages(): readonly string[] {
    const app = this.world.app(this.appId);
    return app === undefined ? [] : outagesOf(app).map(outageText);
  }

  /** By which name it is told from now on. */
  private remember({ type, data }: DomainEventUnion): void {
    if (type === 'InstanceScheduled') {
      this.names.set(data.instanceId, nameOf(data.process, data.instanceId));
    }
    if (type === 'RunScheduled' && data.kind === 'release') this.commands.add(data.runId);
  }

  private isReleaseCommand(runId: string): boolean {
    return this.commands.has(runId) || this.world.run(runId)?.kind === 'release';
  }

  /** Said when the last router confirmed it: only then no request goes elsewhere. */
  private newlyRouted(ids: readonly string[]): readonly string[] {
    const fresh = ids.filter((id) => !this.routed.has(id) && this.isRouted(id));
    for (const id of fresh) this.routed.add(id);
    return this.named(fresh).map((name) => `${name}: takes requests`);
  }

  private isRouted(instanceId: string): boolean {
    const routers = this.world.routers();
    return routers.length > 0 && routers.every(({ routes }) => routes.get(instanceId) === 'routed');
  }

  private named(ids: readonly string[]): readonly string[] {
    return ids.flatMap((id) => this.names.get(id) ?? []);
  }
}

/** Ids begin with the process type: it is not said twice. */
const nameOf = (process: string, instanceId: string): string =>
  instanceId.startsWith(`${process}-`) ? instanceId : `${process} ${instanceId}`;

const textOf = (event: DomainEventUnion): string | undefined => {
  switch (event.type) {
    case 'RolloutStarted': {
      const { version, fromVersion } = event.data;
      const replaced =
        fromVersion === null || fromVersion === version ? '' : `, from v${fromVersion}`;
      return `rolling out v${version}${replaced}`;
    }
    case 'RolloutStepped': {
      const { step, percent, version } = event.data;
      return `step ${step}: ${percent}% on v${version}`;
    }
    case 'InstanceScheduled':
      return event.data.port === null ? 'scheduled' : `scheduled on port ${event.data.port}`;
    case 'InstanceStarted':
      return event.data.restarts === 0 ? 'started' : `started again (${event.data.restarts})`;
    case 'InstanceReady':
      return 'ready';
    case 'InstanceUnready':
      return unreadyText(event.data);
    case 'InstanceExited':
      return exitText(event.data);
    case 'InstanceResized':
      return `resized to ${sizeOf(event.data.limits)}`;
    case 'InstanceResizeRefused':
      return `not resized: ${event.data.summary}`;
    case 'InstanceSignalled':
      return `sent ${event.data.signal}`;
    case 'RunScheduled':
      return `release command: ${(event.data.command ?? []).join(' ')}`;
    case 'RunStarted':
      return 'release command: started';
    case 'RunStopping':
      return `release command: being ended (${event.data.cause})`;
    case 'RunEnded':
      return `release command: ${endText(event.data)}`;
    case 'InstanceRetired':
      return `retired (${event.data.reason})`;
    case 'InstanceStopped':
      return event.data.killed ? 'killed after its grace period' : 'stopped';
    default:
      return undefined;
  }
};

const unreadyText = ({ cause, got }: { cause: string; got: string }): string =>
  cause === 'liveness' ? `does not live, is started again: ${got}` : `unready (${cause}): ${got}`;
const sizeOf = ({ memoryBytes, cpus }: Limits): string =>
  `${Math.round(memoryBytes / 1024 / 1024)} MB, ${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}`;

const exitText = (data: {
  exitCode: number | null;
  oomKilled: boolean;
  logLines: readonly string[];
}): string => {
  const how = data.oomKilled ? 'out of memory' : `exit code ${data.exitCode ?? 'unknown'}`;
  const last = data.logLines.findLast((line) => line.trim() !== '');
  return last === undefined ? `exited (${how})` : `exited (${how}): ${last.slice(0, 200)}`;
};

type RunEnded = Extract<DomainEventUnion, { type: 'RunEnded' }>['data'];

/** How a one-off command ended, in few words. */
export const endText = ({ outcome, exitCode, oomKilled, cause }: RunEnded): string => {
  if (oomKilled) return `${outcome} (out of memory)`;
  if (outcome === 'failed') return `failed (exit code ${exitCode ?? 'unknown'})`;
  return cause === null ? outcome : `${outcome} (${cause})`;
};
