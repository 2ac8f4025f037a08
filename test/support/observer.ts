import {
  START,
  toSequence,
  type DomainEventUnion,
  type Position,
  type RecordedCommit,
  type Sequence,
} from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import { changesAfter } from '@shiplog/events/testing';
import { connectEngine, LABEL, ownedBy } from '@shiplog/engine';
import { openLog, readConfig, type OpenLog } from '@shiplog/runtime';
import type { TestPlatform } from './platform.js';

/** One run of a container, as the log has it. */
interface Start {
  readonly containerId: string;
  readonly restarts: number;
}

/** What the log says about one instance. */
export interface SeenInstance {
  readonly instanceId: string;
  readonly starts: Start[];
  isReady: boolean;
  isRouted: boolean;
  isRetired: boolean;
  isStopped: boolean;
}

/** What the log says about one app; folded here and not by the product. */
interface SeenApp {
  readonly instances: Map<string, SeenInstance>;
  /** The newest generation asked for, and those that came live. */
  generation: number;
  readonly completed: Set<number>;
  /** Builds without a release or a failure yet. */
  readonly openBuilds: Set<string>;
}

/** Looks at log and engine by itself, and shares nothing with the processes under test but their log. */
export class Observer {
  private at: Position = START;
  private last: Sequence | undefined;
  private readonly apps = new Map<string, SeenApp>();
  private readonly instances = new Map<string, SeenInstance>();

  private constructor(
    private readonly platform: TestPlatform,
    private readonly opened: OpenLog,
  ) {}

  private get log(): EventLog {
    return this.opened.log;
  }

  static async open(platform: TestPlatform): Promise<Observer> {
    return new Observer(platform, await openLog(readConfig(platform.env), 'monitor-agent'));
  }

  close(): Promise<void> {
    return this.opened.close();
  }

  async head(): Promise<Position> {
    return this.log.head();
  }

  /** Where the log ends, as `?at=` takes it. */
  async lastSequence(): Promise<Sequence> {
    await this.look();
    if (this.last === undefined) throw new Error('the log is empty');
    return this.last;
  }

  /** What was changed since; that something was refused is recorded, too, and changes nothing. */
  changesAfter(head: Position): Promise<readonly RecordedCommit[]> {
    return changesAfter(this.log, head);
  }

  /** Reads what is new. */
  async look(): Promise<void> {
    const head = await this.log.head();
    while (this.log.compare(this.at, head) < 0) {
      const batch: readonly RecordedCommit[] = await this.log.readAfter(this.at, 1000);
      for (const { commit, position } of batch) {
        for (const event of commit.events) this.see(event);
        this.at = position;
        this.last = toSequence(position, commit.events.length - 1);
      }
    }
  }

  /** What is missing until the newest generation is live, its instances ready and routed, the old ones gone. */
  async unsettled(appId: string, wanted: number): Promise<string[]> {
    await this.look();
    const app = this.app(appId);
    const alive = this.alive(appId);
    return [
      ...[...app.openBuilds].map((id) => `build ${id} has led to nothing yet`),
      ...(app.completed.has(app.generation) ? [] : [`generation ${app.generation} is not live`]),
      ...(alive.length === wanted ? [] : [`${alive.length} instances, ${wanted} wanted`]),
      ...alive
        .filter((one) => !one.isReady || !one.isRouted || one.isRetired)
        .map((one) => JSON.stringify(one)),
    ];
  }

  /** Instances that the log has not stopped. */
  alive(appId: string): SeenInstance[] {
    return [...this.app(appId).instances.values()].filter(({ isStopped }) => !isStopped);
  }

  /** How often instances of the app were started, restarts included. */
  async startsOf(appId: string): Promise<number> {
    await this.look();
    return [...this.app(appId).instances.values()].flatMap(({ starts }) => starts).length;
  }

  /** Everything that contradicts "nothing was started twice"; empty when all is well. */
  async doubled(appId: string): Promise<string[]> {
    await this.look();
    const containers = await this.containers(appId);
    const owners = containers.map((c) => c.Labels[LABEL.instance] ?? `run ${c.Id}`);
    const running = containers.filter(({ State }) => State === 'running');
    const alive = new Set(this.alive(appId).map(({ instanceId }) => instanceId));
    return [
      ...owners.filter((id, i) => owners.indexOf(id) !== i).map((id) => `two containers: ${id}`),
      ...running
        .map((c) => c.Labels[LABEL.instance] ?? c.Id)
        .filter((id) => !alive.has(id))
        .map((id) => `runs though the log does not want it: ${id}`),
      ...[...alive]
        .filter((id) => !running.some((c) => c.Labels[LABEL.instance] === id))
        .map((id) => `does not run: ${id}`),
      ...[...this.app(appId).instances.values()].flatMap(doubledStarts),
    ];
  }

  containers(appId: string) {
    const filters = ownedBy(this.platform.name, `${LABEL.app}=${appId}`);
    return connectEngine().listContainers({ all: true, filters });
  }

  private see(event: DomainEventUnion): void {
    switch (event.type) {
      case 'ReleaseCreated':
        this.app(event.data.appId).openBuilds.delete(event.data.buildId ?? '');
        this.app(event.data.appId).generation = event.data.generation;
        return;
      case 'AppRestarted':
        this.app(event.data.appId).generation = event.data.generation;
        return;
      case 'BuildRequested':
        this.app(event.data.appId).openBuilds.add(event.data.buildId);
        return;
      case 'RolloutCompleted':
        this.app(event.data.appId).completed.add(event.data.generation);
        return;
      case 'RoutesApplied':
        for (const id of event.data.routed) this.instance(id).isRouted = true;
        for (const id of event.data.unrouted) this.instance(id).isRouted = false;
        return;
      default:
        return this.seeInstance(event);
    }
  }

  private seeInstance(event: DomainEventUnion): void {
    switch (event.type) {
      case 'InstanceScheduled': {
        const { appId, instanceId } = event.data;
        this.app(appId).instances.set(instanceId, this.instance(instanceId));
        return;
      }
      case 'InstanceStarted':
        this.instance(event.data.instanceId).starts.push(event.data);
        this.instance(event.data.instanceId).isReady = false;
        return;
      case 'InstanceReady':
        this.instance(event.data.instanceId).isReady = true;
        return;
      case 'InstanceUnready':
      case 'InstanceExited':
        this.instance(event.data.instanceId).isReady = false;
        return;
      case 'InstanceRetired':
        this.instance(event.data.instanceId).isRetired = true;
        return;
      case 'InstanceStopped':
        this.instance(event.data.instanceId).isStopped = true;
        return;
      default:
        return;
    }
  }

  private app(appId: string): SeenApp {
    const known = this.apps.get(appId);
    if (known !== undefined) return known;
    const app = { instances: new Map(), generation: 0, completed: new Set<number>() };
    const seen: SeenApp = { ...app, openBuilds: new Set() };
    this.apps.set(appId, seen);
    return seen;
  }

  private instance(instanceId: string): SeenInstance {
    const known = this.instances.get(instanceId);
    if (known !== undefined) return known;
    const flags = { isReady: false, isRouted: false, isRetired: false, isStopped: false };
    const seen: SeenInstance = { instanceId, starts: [], ...flags };
    this.instances.set(instanceId, seen);
    return seen;
  }
}

const doubledStarts = ({ instanceId, starts }: SeenInstance): string[] => {
  const first = starts.filter(({ restarts }) => restarts === 0).length;
  const containers = new Set(starts.map(({ containerId }) => containerId));
  return [
    ...(first > 1 ? [`started ${first} times: ${instanceId}`] : []),
    ...(containers.size > 1 ? [`ran in ${containers.size} containers: ${instanceId}`] : []),
  ];
};
