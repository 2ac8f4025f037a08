import type { World } from '@shiplog/domain';
import type { Chance } from './chance.js';
import type { VirtualClock } from './virtual-clock.js';

/** A router that takes its time, and what it really does with each instance. */
export class SlowRouter {
  isWorking = true;
  slowMs: number;
  private readonly state = new Map<string, 'routed' | 'unrouted' | 'drained'>();
  private isLooking = false;
  private mustLookAgain = false;
  private confirmed: Promise<void> = Promise.resolve();

  constructor(
    readonly routerId: string,
    private readonly world: World,
    private readonly clock: VirtualClock,
    private readonly chance: Chance,
    private readonly record: (router: string, command: object) => Promise<unknown>,
  ) {
    this.slowMs = chance.oneOf([5, 50, 500]);
  }

  /** Would a request go there now? */
  sendsTo(instanceId: string): boolean {
    return this.state.get(instanceId) === 'routed';
  }

  /** Does it still carry something for it, begun before? */
  isBusyWith(instanceId: string): boolean {
    return this.state.get(instanceId) === 'unrouted';
  }

  nudge(): void {
    this.mustLookAgain = true;
    if (this.isLooking) return;
    this.isLooking = true;
    this.clock.after(this.chance.int(1, this.slowMs), () => void this.look());
  }

  private async look(): Promise<void> {
    if (!this.isWorking) return void this.clock.after(500, () => void this.look());
    this.mustLookAgain = false;
    const changed = this.moveOn();
    await this.confirm(changed);
    for (const [id, state] of changed) {
      if (state === 'unrouted')
        this.clock.after(this.chance.int(0, 1500), () => void this.drained(id));
    }
    this.isLooking = false;
    if (this.mustLookAgain) this.nudge();
  }

  /** One step for every instance; answers those that changed. */
  private moveOn(): [string, string][] {
    const web = this.world.instances().filter(({ process }) => process === 'web');
    const before = new Map(this.state);
    for (const { instanceId, status, wasReady } of web) {
      const now = this.state.get(instanceId);
      if (status === 'ready') this.state.set(instanceId, 'routed');
      else if (now === 'routed') this.state.set(instanceId, 'unrouted');
      else if (status === 'retired' && wasReady && now === undefined)
        this.state.set(instanceId, 'drained');
    }
    const open = new Set(web.map(({ instanceId }) => instanceId));
    for (const id of this.state.keys()) if (!open.has(id)) this.state.delete(id);
    return [...this.state].filter(([id, state]) => before.get(id) !== state || this.isAwaited(id));
  }

  /** The log waits for it to say what it does with an instance that is ready again. */
  private isAwaited(instanceId: string): boolean {
    const { state } = this.world.get('router', this.routerId);
    return state.status === 'active' && state.routes.get(instanceId) === 'returning';
  }

  private async drained(instanceId: string): Promise<void> {
    if (this.state.get(instanceId) !== 'unrouted') return;
    if (!this.isWorking) return void this.clock.after(500, () => void this.drained(instanceId));
    this.state.set(instanceId, 'drained');
    await this.confirm([[instanceId, 'drained']]);
  }

  /** One after the other, as they happened. */
  private confirm(changed: readonly (readonly [string, string])[]): Promise<void> {
    this.confirmed = this.confirmed.then(() => this.confirmNow(changed));
    return this.confirmed;
  }

  private async confirmNow(changed: readonly (readonly [string, string])[]): Promise<void> {
    const of = (wanted: string) => changed.flatMap(([id, state]) => (state === wanted ? id : []));
    if (changed.length === 0) return;
    await this.clock.sleep(this.chance.int(1, 20));
    await this.record(this.routerId, {
      type: 'RecordRoutes',
      position: this.world.position,
      routed: of('routed'),
      unrouted: of('unrouted'),
      drained: of('drained'),
    });
  }
}
