import { asProcess, type RecordedPlatform } from './platform.js';
import { digestOf } from './values.js';

const DEPLOYER = { actor: asProcess('deployer') };
const ROUTER_SYNC = { actor: asProcess('router-sync') };

export interface Running {
  readonly id: string;
  readonly containerId: string;
}

type RetireReason = 'superseded' | 'scaled-down' | 'stopped' | 'destroyed' | 'rollout-failed';

/** Instances of one app, as deployer and router-sync would record them. */
export class InstanceLife {
  private counter = 0;

  constructor(
    private readonly platform: RecordedPlatform,
    private readonly appId: string,
    private readonly random: () => number,
  ) {}

  async start(version: number, generation: number, crashes = false): Promise<Running> {
    this.counter += 1;
    const id = `i-${this.appId}-${this.counter}`;
    const { platform, appId } = this;
    const containerId = digestOf(id).slice(7);
    await platform.do(
      'instance',
      id,
      {
        type: 'ScheduleInstance',
        instanceId: id,
        appId,
        process: 'web',
        version,
        generation,
        nodeId: 'node-1',
        port: 21_000 + (this.counter % 900),
        containerPort: 8080,
      },
      DEPLOYER,
    );
    const started = { type: 'RecordStarted', containerId, restarts: 0 } as const;
    await platform.do('instance', id, started, DEPLOYER);
    if (crashes) await this.recordExit(id);
    else {
      await platform.do('instance', id, { type: 'RecordReady' }, DEPLOYER);
      await this.route({ routed: [id] });
    }
    return { id, containerId };
  }

  async stop({ id }: Running, reason: RetireReason, wasRouted: boolean): Promise<void> {
    await this.platform.do('instance', id, { type: 'RetireInstance', reason }, DEPLOYER);
    if (wasRouted) {
      await this.route({ unrouted: [id] });
      await this.route({ drained: [id] });
    }
    const stopped = { type: 'RecordStopped', exitCode: 0, killed: this.random() < 0.1 } as const;
    await this.platform.do('instance', id, stopped, DEPLOYER);
  }

  private route(step: {
    routed?: readonly string[];
    unrouted?: readonly string[];
    drained?: readonly string[];
  }): Promise<void> {
    const { position } = this.platform.world;
    return this.platform.do(
      'router',
      'router-1',
      { type: 'RecordRoutes', position, routed: [], unrouted: [], drained: [], ...step },
      ROUTER_SYNC,
    );
  }

  private recordExit(id: string): Promise<void> {
    const oomKilled = this.random() < 0.2;
    const logLines = ['listening on 8080', `Error: boom ${this.counter}`, '    at ü (app.js:1)'];
    return this.platform.do(
      'instance',
      id,
      { type: 'RecordExited', exitCode: oomKilled ? 137 : 1, oomKilled, logLines },
      DEPLOYER,
    );
  }

  /** It ends by itself, and the engine starts it again. */
  async crash({ id, containerId }: Running): Promise<void> {
    await this.recordExit(id);
    await this.route({ unrouted: [id] });
    this.counter += 1;
    const again = { type: 'RecordStarted', containerId, restarts: this.counter } as const;
    await this.platform.do('instance', id, again, DEPLOYER);
    await this.platform.do('instance', id, { type: 'RecordReady' }, DEPLOYER);
    await this.route({ routed: [id] });
  }
}
