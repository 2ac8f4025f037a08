import { rolloutIdOf } from '@shiplog/domain';
import {
  toSequence,
  type Commit,
  type DomainEventUnion,
  type RecordedCommit,
} from '@shiplog/events';
import { signalSteps } from './signal-steps.js';
import { namesOf, WEB } from './names-of.js';
import { actorStep, mergePaths, type PlacedStep, type Step } from './step.js';
import { commandOf, nothing, stepOf } from './steps-of.js';

/** What is asked for, all of one app. */
export type Subject =
  | { readonly kind: 'instance'; readonly instanceId: string }
  | { readonly kind: 'release'; readonly version: number }
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'route'; readonly host: string }
  | { readonly kind: 'port'; readonly port: number };

/** Which commits are looked at, and what is not in them. */
export interface Evidence {
  readonly appId: string;
  /** The host that every app has of the platform. */
  readonly ownHost: string;
  /** In the order of the log. */
  readonly records: readonly RecordedCommit[];
  /** What routers do with each instance, where it is not in the commits. */
  readonly routes: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** Rollouts of one release that are told of, the newest ones: each restart is one. */
export const GENERATIONS_MAX = 50;

type Named<T> = Extract<DomainEventUnion, { type: T }>;
interface Fact<E = DomainEventUnion> {
  readonly event: E;
  readonly commit: Commit;
  readonly sequence: string;
}

/**
 * What led to the subject, and what came of it: person, command, build, release, rollout, instance,
 * container, route. Told from the ids in the events, and for commands in between from the causation that
 * the deployer recorded. Empty where the commits know nothing of it.
 */
export const causesOf = (subject: Subject, evidence: Evidence): readonly PlacedStep[] => {
  const facts = new Facts(evidence);
  switch (subject.kind) {
    case 'instance':
      return mergePaths(
        facts.instancePaths(({ instanceId }) => instanceId === subject.instanceId),
        ({ kind, id }) => kind === 'instance' && id === subject.instanceId,
      );
    case 'release':
      return mergePaths(
        facts.releasePaths(subject.version),
        ({ kind, id }) => kind === 'release' && id === `v${subject.version}`,
      );
    case 'key': {
      const change = facts.keyChange(subject.key);
      if (change === undefined) return [];
      return mergePaths(facts.pathsOfKey(change), ({ id }) => id === change.commit.id);
    }
    case 'route':
      return mergePaths(
        facts.routePaths(subject.host),
        ({ kind, text }) => kind === 'route' && text.split(' ').includes(subject.host),
      );
    case 'port': {
      const added = facts.portAdded(subject.port);
      if (added === undefined) return [];
      return mergePaths(facts.portPaths(added), ({ id }) => id === added.commit.id);
    }
  }
};

/** The newest change of a config key; undefined where it was never set. */
export const keyChangeIn = (
  records: readonly RecordedCommit[],
  key: string,
): RecordedCommit | undefined =>
  records.findLast(({ commit }) =>
    commit.events.some(
      (event) =>
        event.type === 'ConfigChanged' &&
        (Object.hasOwn(event.data.set, key) || event.data.unset.includes(key)),
    ),
  );

/** What a router does with an instance, and since when, where that was found. */
interface Routing {
  readonly routerId: string;
  readonly state: string;
  readonly since: Fact<Named<'RoutesApplied'>> | undefined;
}

class Facts {
  private readonly all: readonly Fact[];

  constructor(private readonly evidence: Evidence) {
    this.all = evidence.records.flatMap(({ commit, position }) =>
      commit.events.map((event, n) => ({ event, commit, sequence: toSequence(position, n) })),
    );
  }

  keyChange(key: string): RecordedCommit | undefined {
    return keyChangeIn(this.evidence.records, key);
  }

  releasePaths(version: number): Step[][] {
    const path = this.pathOfRelease(version);
    if (path.length === 0) return [];
    const rollouts = this.generationsOf(version).map((generation) =>
      this.pathOfGeneration(version, generation),
    );
    return [path, ...rollouts, ...this.instancePaths((one) => one.version === version)];
  }

  /** From the change on to what it made anew; a key set before the first deploy waits for that one. */
  pathsOfKey({ commit, position }: RecordedCommit): Step[][] {
    const start = [actorStep(commit.actor), commandOf(commit, toSequence(position, 0))];
    const released = this.of('ReleaseCreated').find(
      (fact) => fact.sequence >= toSequence(position, 0),
    );
    if (released === undefined) return [start];
    const { version } = released.event.data;
    const known = this.pathOfRelease(version).length - 1;
    return [start, ...this.releasePaths(version).map((path) => [...start, ...path.slice(known)])];
  }

  /** Who gave the app that host, and everything that stands behind it. */
  routePaths(host: string): Step[][] {
    const added = [...this.of('DomainAdded'), ...this.of('DomainUseChanged')].findLast(
      ({ event }) => event.data.host === host,
    );
    const paths = this.instancePaths(
      ({ instanceId }) => this.routingOf(instanceId)?.state === 'routed',
    );
    if (added === undefined) return paths;
    return [[actorStep(added.commit.actor), commandOf(added.commit, added.sequence)], ...paths];
  }

  portAdded(port: number): Fact<Named<'PortAdded'>> | undefined {
    return this.of('PortAdded').findLast(({ event }) => event.data.port === port);
  }

  /** Who gave the app that port, and whom it leads to. */
  portPaths({ commit, sequence, event }: Fact<Named<'PortAdded'>>): Step[][] {
    const paths = this.instancePaths(
      ({ instanceId, process }) =>
        process === event.data.process && this.routingOf(instanceId)?.state === 'routed',
    );
    return [[actorStep(commit.actor), commandOf(commit, sequence)], ...paths];
  }

  instancePaths(isWanted: (data: Named<'InstanceScheduled'>['data']) => boolean): Step[][] {
    return this.of('InstanceScheduled')
      .filter(({ event }) => isWanted(event.data))
      .flatMap((scheduled) => this.pathsOfInstance(scheduled));
  }

  private pathsOfInstance(scheduled: Fact<Named<'InstanceScheduled'>>): Step[][] {
    const { instanceId, process, version, generation, nodeId } = scheduled.event.data;
    const path = [
      ...this.pathOfGeneration(version, generation),
      ...this.askedFor(scheduled),
      {
        ...stepOf('instance', instanceId, scheduled),
        text: `${process} on ${nodeId}`,
        state: this.stateOf(instanceId),
      },
    ];
    const starts = this.of('InstanceStarted').filter(
      ({ event }) => event.data.instanceId === instanceId,
    );
    const containers = new Map(starts.map((start) => [start.event.data.containerId, start]));
    const routing = this.routingOf(instanceId);
    const tails = [...containers.values()].slice(-CONTAINERS_MAX).map((start, index, shown) => {
      const { containerId, restarts } = start.event.data;
      const text = `started${restarts === 0 ? '' : `, restart ${restarts}`}`;
      const container = { ...stepOf('container', containerId.slice(0, 12), start), text };
      const isLast = index === shown.length - 1;
      const route =
        isLast && routing !== undefined ? [[container, this.route(routing, process)]] : [];
      const signals = signalSteps(this.all, instanceId, containerId);
      return [[container], ...route, ...signals.map((step) => [container, step])];
    });
    return tails.length === 0 ? [path] : tails.flat().map((tail) => [...path, ...tail]);
  }

  private route({ routerId, state, since }: Routing, process: string): Step {
    const names = namesOf(this.all, process);
    return {
      ...(since === undefined ? nothing('route', routerId) : stepOf('route', routerId, since)),
      text: (process === WEB ? [this.evidence.ownHost, ...names] : names).join(' '),
      state,
    };
  }

  /** The command after the rollout that this instance is there for; none where the rollout was enough. */
  private askedFor({ event, commit }: Fact<Named<'InstanceScheduled'>>): Step[] {
    const cause = this.all.find(
      ({ commit: { id }, event: asked }) =>
        id === commit.causation &&
        (asked.type === 'AppStarted' ||
          (asked.type === 'FormationScaled' &&
            Object.hasOwn(asked.data.formation, event.data.process))),
    );
    if (cause?.commit.events.some(({ type }) => type === 'ReleaseCreated') !== false) return [];
    return [commandOf(cause.commit, cause.sequence)];
  }

  private pathOfGeneration(version: number, generation: number): Step[] {
    const rolloutId = rolloutIdOf(this.evidence.appId, generation);
    const restart = this.of('AppRestarted').find(
      ({ event }) => event.data.generation === generation,
    );
    const steps = this.all.filter(
      ({ event }) => event.type.startsWith('Rollout') && hasRollout(event, rolloutId),
    );
    const [first] = steps;
    const state = STATE_OF[steps.at(-1)?.event.type ?? ''] ?? 'pending';
    return [
      ...this.pathOfRelease(version),
      ...(restart === undefined ? [] : [commandOf(restart.commit, restart.sequence)]),
      {
        ...(first === undefined
          ? nothing('rollout', rolloutId)
          : stepOf('rollout', rolloutId, first)),
        text: `generation ${generation}`,
        state,
      },
    ];
  }

  private pathOfRelease(version: number): Step[] {
    const created = this.of('ReleaseCreated').find(({ event }) => event.data.version === version);
    if (created === undefined) return [];
    const { buildId, cause, image } = created.event.data;
    const release = {
      ...stepOf('release', `v${version}`, created),
      text: image.ref,
      state: cause,
    };
    const requested = this.of('BuildRequested').find(({ event }) => event.data.buildId === buildId);
    if (requested === undefined || (cause !== 'build' && cause !== 'image')) {
      const { commit, sequence } = created;
      return [actorStep(commit.actor), commandOf(commit, sequence), release];
    }
    const { commit, sequence } = requested;
    return [
      actorStep(commit.actor),
      commandOf(commit, sequence),
      this.build(requested.event.data.buildId),
      release,
    ];
  }

  private build(buildId: string): Step {
    const steps = this.all.filter(
      ({ event }) =>
        event.type.startsWith('Build') && 'buildId' in event.data && event.data.buildId === buildId,
    );
    const done = steps.find(({ event }) => event.type === 'BuildSucceeded');
    const started = steps.find(({ event }) => event.type === 'BuildStarted');
    const shown = started ?? done;
    const { stack, durationMs } =
      (done as Fact<Named<'BuildSucceeded'>> | undefined)?.event.data ?? {};
    return {
      ...(shown === undefined ? nothing('build', buildId) : stepOf('build', buildId, shown)),
      text: stack === undefined ? '' : `${stack}, ${((durationMs ?? 0) / 1000).toFixed(1)} s`,
      state: STATE_OF[steps.at(-1)?.event.type ?? ''] ?? 'pending',
    };
  }

  private generationsOf(version: number): number[] {
    return [...this.of('ReleaseCreated'), ...this.of('AppRestarted')]
      .filter(({ event }) => event.data.version === version)
      .map(({ event }) => event.data.generation)
      .toSorted((a, b) => a - b)
      .slice(-GENERATIONS_MAX);
  }

  private routingOf(instanceId: string): Routing | undefined {
    const applied = this.of('RoutesApplied');
    const since = applied.find(({ event }) => event.data.routed.includes(instanceId));
    const [known] = Object.entries(this.evidence.routes.get(instanceId) ?? {});
    const routerId = since?.event.data.routerId ?? known?.[0];
    if (routerId === undefined) return undefined;
    const states = applied.flatMap(({ event }) =>
      (['routed', 'unrouted', 'drained'] as const).filter((step) =>
        event.data[step].includes(instanceId),
      ),
    );
    return { routerId, state: known?.[1] ?? states.at(-1) ?? 'routed', since };
  }

  private stateOf(instanceId: string): string {
    const ended = this.all.findLast(
      ({ event }) =>
        event.type !== 'InstanceSignalled' &&
        'instanceId' in event.data &&
        event.data.instanceId === instanceId,
    )?.event;
    if (ended?.type === 'InstanceRetired') return `retired: ${ended.data.reason}`;
    return STATE_OF[ended?.type ?? ''] ?? 'scheduled';
  }

  private of<T extends DomainEventUnion['type']>(type: T): readonly Fact<Named<T>>[] {
    return this.all.filter((fact): fact is Fact<Named<T>> => fact.event.type === type);
  }
}

/** A container is made again now and then; the newest ones tell enough. */
const CONTAINERS_MAX = 3;

const STATE_OF: Readonly<Record<string, string>> = {
  BuildRequested: 'pending',
  BuildStarted: 'running',
  BuildSucceeded: 'succeeded',
  BuildFailed: 'failed',
  BuildCancelled: 'cancelled',
  RolloutStarted: 'running',
  RolloutStrategySet: 'running',
  RolloutStepped: 'running',
  RolloutCompleted: 'completed',
  RolloutFailed: 'failed',
  RolloutCancelled: 'cancelled',
  InstanceScheduled: 'scheduled',
  InstanceStarted: 'starting',
  InstanceReady: 'ready',
  InstanceUnready: 'unready',
  InstanceExited: 'exited',
  InstanceStopped: 'stopped',
};

const hasRollout = ({ data }: DomainEventUnion, rolloutId: string): boolean =>
  'rolloutId' in data && data.rolloutId === rolloutId;
