import type { KnownInstance, World } from '@shiplog/domain';
import type { DomainEventUnion, RecordedCommit } from '@shiplog/events';
import { desiredApp } from '../../containers/desired.js';
import { inForce, isServing } from '../../containers/serving.js';
import type { SimulatedEngine } from './simulated-engine.js';
import type { SlowRouter } from './slow-router.js';
import type { VirtualClock } from './virtual-clock.js';

/** What must hold in every life; the first one that did not is what a seed found. */
export type Property =
  | 'never below capacity'
  | 'nothing made twice'
  | 'retire order'
  | 'grace before SIGKILL'
  | 'nothing of others touched'
  | 'a place for one'
  | 'silence is not absence'
  | 'ready means listening'
  | 'complete means replaced'
  | 'every rollout ends'
  | 'converges'
  | 'one at a time'
  | 'no step breaks';

export interface Violation {
  readonly property: Property;
  readonly what: string;
}

interface Scene {
  readonly appId: string;
  readonly world: World;
  readonly engine: SimulatedEngine;
  readonly routers: readonly SlowRouter[];
  readonly clock: VirtualClock;
}

/** How far back a plan may look that is carried out now: the users went on meanwhile. */
const MEANWHILE_MS = 30_000;
/** Between the last look and the commit something may end by itself: nobody can know. */
const UNSEEN_MS = 10;

/** Watches everything that is done, and trusts nobody's word for it. */
export class Witness {
  readonly violations: Violation[] = [];
  /** What served before the commit that is looked at. */
  private serving = new Map<string, KnownInstance>();
  /** What ended by itself a moment ago. */
  private readonly justLost = new Map<string, { process: string; atMs: number }>();
  /** How many were wanted of each process, and when. */
  private readonly wanted: { atMs: number; generation: number; of: Record<string, number> }[] = [];
  /** Instances that listened in some run of theirs. */
  private readonly listened = new Set<string>();

  constructor(private readonly scene: Scene) {}

  say(property: Property, what: string): void {
    this.violations.push({ property, what });
  }

  /** A program was found to listen, by whoever asked. */
  sawListening(instanceId: string): void {
    this.listened.add(instanceId);
  }

  /** Before the engine does what a deployer asks of it. */
  told(call: string, containerId: string, more: string): void {
    const { world, engine, appId } = this.scene;
    const entry = engine.host.entries.get(containerId);
    if (call === 'create' || entry === undefined) return;
    const instance = world.get('instance', entry.instanceId ?? '').state;
    if (instance.status === 'none') {
      // Stopped instances are forgotten: their containers stay ours.
      if (entry.appId !== appId)
        this.say('nothing of others touched', `${call} of ${entry.name}, which is not ours`);
      return;
    }
    if (call === 'stop') this.stopped(instance, Number(more));
  }

  private stopped(instance: KnownInstance, graceSeconds: number): void {
    const { world, routers } = this.scene;
    const { instanceId, status, appId } = instance;
    if (status !== 'retired')
      this.say('retire order', `${instanceId} is stopped while it is ${status}`);
    const users = routers.filter((r) => r.sendsTo(instanceId) || r.isBusyWith(instanceId));
    const names = users.map(({ routerId }) => routerId).join(', ');
    if (users.length > 0)
      this.say('retire order', `${instanceId} is stopped, still used by ${names}`);
    const promised = world.app(appId)?.settings.graceSeconds ?? 0;
    if (graceSeconds < promised)
      this.say('grace before SIGKILL', `${instanceId} gets ${graceSeconds} s of ${promised}`);
  }

  /** A program was started: of an exclusive volume it is the only one that has it. */
  launched(): void {
    const running = [...this.scene.engine.host.entries.values()].filter(
      ({ status }) => status === 'running' || status === 'paused',
    );
    const having = running.filter(({ spec }) => (spec.mounts ?? []).length > 0);
    if (having.length > 1)
      this.say('one at a time', `${having.map(({ name }) => name).join(', ')} have one volume`);
  }

  take(batch: readonly RecordedCommit[]): void {
    const { world, appId } = this.scene;
    const app = desiredApp(world, appId);
    const force = inForce(app);
    const { nowMs } = this.scene.clock;
    if (force !== null)
      this.wanted.push({ atMs: nowMs, generation: force.generation, of: force.wanted });
    while ((this.wanted[1]?.atMs ?? Infinity) < nowMs - MEANWHILE_MS) this.wanted.shift();
    for (const { commit } of batch) for (const event of commit.events) this.event(event);
    const before = this.serving;
    this.serving = new Map(
      app.instances
        .filter((instance) => isServing(instance, world.routers()))
        .map((instance) => [instance.instanceId, instance]),
    );
    for (const [id, { process }] of before)
      if (!this.serving.has(id)) this.justLost.set(id, { process, atMs: nowMs });
    for (const id of this.serving.keys()) this.justLost.delete(id);
  }

  private event(event: DomainEventUnion): void {
    switch (event.type) {
      case 'InstanceScheduled':
        return this.scheduled(event.data);
      case 'InstanceReady':
        if (!this.listened.has(event.data.instanceId))
          this.say('ready means listening', `${event.data.instanceId} never listened`);
        return;
      case 'InstanceRetired':
        return this.retired(event.data.instanceId, event.data.reason);
      case 'RolloutCompleted':
        return this.completed(event.data.generation);
      default:
        return;
    }
  }

  private scheduled({ instanceId, process, generation, port, address }: Scheduled): void {
    const { world, appId } = this.scene;
    for (const other of world.instances()) {
      if (other.instanceId === instanceId) continue;
      if (port !== null && other.port === port)
        this.say('a place for one', `${instanceId} gets port ${port} of ${other.instanceId}`);
      if (address != null && other.address === address)
        this.say('a place for one', `${instanceId} gets address ${address} of ${other.instanceId}`);
    }
    const open = world
      .instancesOf(appId)
      .filter(
        (i) => i.status !== 'retired' && i.process === process && i.generation === generation,
      );
    const most = this.mostWanted(process, generation);
    if (open.length > most)
      this.say(
        'nothing made twice',
        `${open.length} ${process} of generation ${generation}, of ${most} wanted`,
      );
  }

  private mostWanted(process: string, generation: number): number {
    const counts = this.wanted.flatMap((w) =>
      w.generation === generation ? (w.of[process] ?? 0) : [],
    );
    return Math.max(0, ...counts);
  }

  private retired(instanceId: string, reason: string): void {
    const { world, appId, engine } = this.scene;
    if (reason === 'lost') {
      const running = [...engine.host.entries.values()].find(
        (entry) => entry.instanceId === instanceId && entry.status === 'running',
      );
      if (running !== undefined)
        this.say('silence is not absence', `${instanceId} is given up as lost, and runs`);
      return;
    }
    const app = desiredApp(world, appId);
    const force = inForce(app);
    const instance = this.serving.get(instanceId);
    // Between the old one and the new one none runs, as was said beforehand.
    if (app.settings.stopFirst.length > 0) return;
    if (instance === undefined || app.status !== 'active' || force === null) return;
    this.serving.delete(instanceId);
    const { process } = instance;
    const since = this.scene.clock.nowMs - UNSEEN_MS;
    const unseen = [...this.justLost.values()].filter(({ atMs }) => atMs >= since);
    const others = [...this.serving.values(), ...unseen];
    const left = others.filter((other) => other.process === process).length;
    const least = this.leastWanted(process);
    if (left < least)
      this.say(
        'never below capacity',
        `${instanceId} goes (${reason}): ${left} of ${least} ${process} serve`,
      );
  }

  /** As the newest generation has it, or had it a moment ago. */
  private leastWanted(process: string): number {
    return Math.min(...this.wanted.map(({ of }) => of[process] ?? 0));
  }

  private completed(generation: number): void {
    const { world, appId, routers } = this.scene;
    for (const { instanceId, generation: other, status } of world.instancesOf(appId)) {
      if (other === generation) continue;
      if (status !== 'retired')
        this.say('complete means replaced', `${instanceId} of generation ${other} is ${status}`);
      if (routers.some((router) => router.sendsTo(instanceId)))
        this.say('complete means replaced', `${instanceId} of generation ${other} gets requests`);
    }
  }
}

type Scheduled = Extract<DomainEventUnion, { type: 'InstanceScheduled' }>['data'];
