import { InstanceLife, type Running } from './instance-life.js';
import { asProcess, someone, type RecordedPlatform } from './platform.js';
import { digestOf, explanationOf, imageOf } from './values.js';

const API = { actor: asProcess('api') };
const BUILDER = { actor: asProcess('builder') };
const DEPLOYER = { actor: asProcess('deployer') };
const GC = { actor: asProcess('gc') };
/** What happens to one app, turn after turn, as the processes of a platform would record it. */
export class AppLife {
  private appId: string;
  private readonly host: string;
  private readonly name: string;
  private incarnation = 0;
  private counter = 0;
  private running: Running[] = [];
  private instances: InstanceLife;

  constructor(
    private readonly platform: RecordedPlatform,
    private readonly index: number,
    private readonly random: () => number,
  ) {
    this.name = `app-${index}`;
    this.host = `www.app-${index}.example.com`;
    this.appId = this.newAppId();
    this.instances = new InstanceLife(platform, this.appId, random);
  }

  async begin(): Promise<void> {
    const { platform, appId, name, host } = this;
    const teamId = `team-${1 + (this.index % 2)}`;
    await platform.do('name', name, { type: 'ReserveName', name, appId, teamId });
    await platform.do('app', appId, { type: 'CreateApp', appId, name, teamId }, this.someone());
    await this.changeConfig();
    const stream = digestOf(host).slice(7);
    await platform.do('domain', stream, { type: 'ReserveDomain', host, appId, teamId });
    await platform.do('app', appId, { type: 'AddDomain', host });
    await this.release();
  }

  async turn(): Promise<void> {
    const dice = this.random();
    if (dice < 0.4) await this.release();
    else if (dice < 0.5) await this.scale();
    else if (dice < 0.6) await this.crash();
    else if (dice < 0.68) await this.changeConfig();
    else if (dice < 0.74) await this.failBuild();
    else if (dice < 0.8) await this.rollBack();
    else if (dice < 0.86) await this.restart();
    else if (dice < 0.92) await this.stopAndStart();
    else if (dice < 0.97) await this.collect();
    else await this.recreate();
  }

  /** The app is stopped, and stays so. */
  async rest(): Promise<void> {
    await this.platform.do('app', this.appId, { type: 'StopApp' }, this.someone());
    for (const instance of this.running.splice(0))
      await this.instances.stop(instance, 'stopped', true);
  }

  private async release(): Promise<void> {
    const buildId = await this.requestBuild();
    const image = imageOf(buildId);
    const processes = { web: { command: null }, worker: { command: ['node', 'worker.js'] } };
    const succeed = { image, processes, stack: 'node', durationMs: 4_200 } as const;
    await this.platform.do('build', buildId, { type: 'SucceedBuild', ...succeed }, BUILDER);
    const liveVersion = this.liveVersion();
    await this.platform.do(
      'app',
      this.appId,
      { type: 'CreateRelease', image, buildId, processes, cause: 'build', liveVersion },
      API,
    );
    await this.rollOut();
  }

  private async failBuild(): Promise<void> {
    const buildId = await this.requestBuild();
    const failed = { type: 'FailBuild', explanation: explanationOf('build-failed') } as const;
    if (this.random() < 0.6) {
      await this.platform.do('build', buildId, failed, BUILDER);
      return;
    }
    await this.platform.do('app', this.appId, { type: 'CancelBuild', buildId }, this.someone());
    await this.platform.do('build', buildId, { type: 'CancelBuild' }, BUILDER);
  }

  private async requestBuild(): Promise<string> {
    const buildId = this.newId('build');
    const sourceDigest = digestOf(buildId);
    const commit = sourceDigest.slice(7, 47);
    const source = { kind: 'archive', digest: sourceDigest, via: 'git', commit } as const;
    await this.platform.do(
      'app',
      this.appId,
      { type: 'RequestBuild', buildId, source: { ...source, branch: 'main' } },
      this.someone(),
    );
    const start = { type: 'StartBuild', buildId, appId: this.appId, sourceDigest } as const;
    await this.platform.do('build', buildId, start, BUILDER);
    return buildId;
  }

  private async rollOut(): Promise<void> {
    const deployment = this.platform.world.deployment(this.appId);
    if (deployment?.target == null || deployment.app.stopped) return;
    const { generation, release, rolloutId } = deployment.target;
    const { version } = release;
    const fromVersion = this.liveVersion();
    const ids = { rolloutId, appId: this.appId, generation, version };
    const deadline = '2027-01-01T00:00:00Z';
    const start = { type: 'StartRollout', ...ids, fromVersion, deadline } as const;
    await this.platform.do('rollout', rolloutId, start, DEPLOYER);
    const fails = fromVersion !== null && this.random() < 0.12;
    const count = deployment.app.formation['web'] ?? 1;
    const fresh: Running[] = [];
    for (let i = 0; i < count; i += 1)
      fresh.push(await this.instances.start(version, generation, fails));
    if (fails) {
      await this.endRolloutBadly(rolloutId);
      for (const instance of fresh) await this.instances.stop(instance, 'rollout-failed', false);
      return;
    }
    for (const instance of this.running) await this.instances.stop(instance, 'superseded', true);
    this.running = fresh;
    await this.platform.do('rollout', rolloutId, { type: 'CompleteRollout' }, DEPLOYER);
  }

  private async endRolloutBadly(rolloutId: string): Promise<void> {
    const { platform, appId } = this;
    if (this.random() < 0.3) {
      await platform.do('app', appId, { type: 'CancelRollout', rolloutId }, this.someone());
      const cancel = { type: 'CancelRollout', cause: 'asked' } as const;
      await platform.do('rollout', rolloutId, cancel, DEPLOYER);
      return;
    }
    const explanation = explanationOf('exited');
    await platform.do('rollout', rolloutId, { type: 'FailRollout', explanation }, DEPLOYER);
  }

  private async scale(): Promise<void> {
    const web = 1 + Math.floor(this.random() * 4);
    const before = this.platform.world.app(this.appId)?.formation['web'];
    if (before === web) return;
    await this.platform.do(
      'app',
      this.appId,
      { type: 'Scale', formation: { web } },
      this.someone(),
    );
    const live = this.platform.world.liveOf(this.appId);
    if (live === null || this.running.length === 0) return;
    while (this.running.length < web) {
      this.running.push(await this.instances.start(live.release.version, live.generation));
    }
    for (const instance of this.running.splice(web)) {
      await this.instances.stop(instance, 'scaled-down', true);
    }
  }

  private async crash(): Promise<void> {
    const instance = this.running[0];
    if (instance !== undefined) await this.instances.crash(instance);
  }

  private async changeConfig(): Promise<void> {
    this.counter += 1;
    const key = `KEY_${this.counter % 5}`;
    const value = `enc1.aXY.dGFn.${Buffer.from(`secret ${this.counter}`).toString('base64url')}`;
    const config = this.platform.world.app(this.appId)?.config ?? {};
    const unset = Object.keys(config).filter((old) => old !== key && this.random() < 0.2);
    const baseVersion = this.liveVersion();
    await this.platform.do(
      'app',
      this.appId,
      { type: 'ChangeConfig', set: { [key]: value }, unset, baseVersion },
      this.someone(),
    );
    await this.rollOut();
  }

  private async rollBack(): Promise<void> {
    const liveVersion = this.liveVersion();
    const releases = this.platform.world.app(this.appId)?.releases ?? [];
    const target = releases.find(({ version }) => version !== liveVersion);
    if (target === undefined) return;
    await this.platform.do(
      'app',
      this.appId,
      { type: 'RollBack', version: target.version, liveVersion },
      this.someone(),
    );
    await this.rollOut();
  }

  private async restart(): Promise<void> {
    const baseVersion = this.liveVersion();
    await this.platform.do('app', this.appId, { type: 'Restart', baseVersion }, this.someone());
    // Every other one is overtaken before it begins.
    if (this.random() < 0.3) {
      const changes = { drainSeconds: 5 + Math.floor(this.random() * 50) };
      const change = { type: 'ChangeSettings', changes, baseVersion } as const;
      await this.platform.do('app', this.appId, change, this.someone());
    }
    await this.rollOut();
  }

  private async stopAndStart(): Promise<void> {
    await this.rest();
    await this.platform.do('app', this.appId, { type: 'StartApp' }, this.someone());
    const live = this.platform.world.liveOf(this.appId);
    if (live === null) return;
    this.running.push(await this.instances.start(live.release.version, live.generation));
  }

  private collect(): Promise<void> {
    this.counter += 1;
    const items = Array.from({ length: 1 + Math.floor(this.random() * 40) }, (_, i) => ({
      kind: 'container' as const,
      id: digestOf(`${this.appId}-${this.counter}-${i}`).slice(7),
      appId: this.appId,
      reason: 'exited, newer ones are kept',
      bytes: null,
    }));
    const collected = { type: 'RecordCollected', nodeId: 'node-1', items } as const;
    return this.platform.do('garbage', 'node-1', collected, GC);
  }

  /** Destroyed, and its name and host given back. */
  async destroy(): Promise<void> {
    const { platform, appId, name, host } = this;
    for (const instance of this.running.splice(0)) {
      await this.instances.stop(instance, 'destroyed', true);
    }
    await platform.do('app', appId, { type: 'DestroyApp', confirm: name }, this.someone());
    await platform.do('name', name, { type: 'ReleaseName', appId });
    await platform.do('domain', digestOf(host).slice(7), { type: 'ReleaseDomain', appId });
  }

  /** Destroyed, and made again under the same name: a new id, a new life. */
  private async recreate(): Promise<void> {
    await this.destroy();
    this.incarnation += 1;
    this.appId = this.newAppId();
    this.instances = new InstanceLife(this.platform, this.appId, this.random);
    await this.begin();
  }

  private liveVersion(): number | null {
    return this.platform.world.liveOf(this.appId)?.release.version ?? null;
  }

  private someone() {
    return someone(this.random);
  }

  private newAppId(): string {
    return `app${this.index}x${this.incarnation}`;
  }

  private newId(kind: string): string {
    this.counter += 1;
    return `${kind}-${this.appId}-${this.counter}`;
  }
}
