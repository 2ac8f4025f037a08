import { rolloutIdOf, type CancelCause } from '@shiplog/domain';
import type { CommandContext } from '@shiplog/commands';
import { ANN, asProcess, RecordedPlatform } from './platform.js';
import { digestOf, explanationOf, imageOf } from './values.js';

const API = { actor: asProcess('api') };
const BUILDER = { actor: asProcess('builder') };
const DEPLOYER = { actor: asProcess('deployer') };

/** One app, `a1` called `hello`, step by step: for tests that look at single documents. */
export class DeployedApp {
  private constructor(readonly platform: RecordedPlatform) {}

  static async create(): Promise<DeployedApp> {
    const platform = await RecordedPlatform.start();
    await platform.do('app', 'a1', { type: 'CreateApp', appId: 'a1', name: 'hello', teamId: 't1' });
    return new DeployedApp(platform);
  }

  async requestBuild(buildId: string, context: CommandContext = { actor: ANN }): Promise<void> {
    const digest = digestOf(buildId);
    const source = { kind: 'archive', digest, via: 'git', commit: 'c'.repeat(40) } as const;
    await this.platform.do(
      'app',
      'a1',
      { type: 'RequestBuild', buildId, source: { ...source, branch: 'main' } },
      context,
    );
  }

  async startBuild(buildId: string): Promise<void> {
    const start = { type: 'StartBuild', buildId, appId: 'a1', sourceDigest: null } as const;
    await this.platform.do('build', buildId, start, BUILDER);
  }

  async succeedBuild(buildId: string): Promise<void> {
    const processes = { web: { command: null } };
    await this.platform.do(
      'build',
      buildId,
      { type: 'SucceedBuild', image: imageOf(buildId), processes, stack: 'node', durationMs: 900 },
      BUILDER,
    );
  }

  /** From the push to the release, which the api cuts on its own account. */
  async push(buildId: string, context: CommandContext = { actor: ANN }): Promise<void> {
    await this.requestBuild(buildId, context);
    await this.startBuild(buildId);
    await this.succeedBuild(buildId);
    const liveVersion = this.platform.world.liveOf('a1')?.release.version ?? null;
    const release = { image: imageOf(buildId), buildId, processes: { web: { command: null } } };
    const create = { type: 'CreateRelease', ...release, cause: 'build', liveVersion } as const;
    await this.platform.do('app', 'a1', create, API);
  }

  async startRollout(generation: number, version: number): Promise<void> {
    const rolloutId = rolloutIdOf('a1', generation);
    const fromVersion = this.platform.world.liveOf('a1')?.release.version ?? null;
    const ids = { rolloutId, appId: 'a1', generation, version, fromVersion };
    const deadline = '2026-12-01T00:00:00.000Z';
    await this.platform.do(
      'rollout',
      rolloutId,
      { type: 'StartRollout', ...ids, deadline },
      DEPLOYER,
    );
  }

  complete(generation: number): Promise<void> {
    return this.endRollout(generation, { type: 'CompleteRollout' });
  }

  fail(generation: number): Promise<void> {
    return this.endRollout(generation, {
      type: 'FailRollout',
      explanation: explanationOf('exited'),
    });
  }

  cancel(generation: number, cause: CancelCause): Promise<void> {
    return this.endRollout(generation, { type: 'CancelRollout', cause });
  }

  async deploy(buildId: string, generation: number, version: number): Promise<void> {
    await this.push(buildId);
    await this.startRollout(generation, version);
    await this.complete(generation);
  }

  setConfig(plain: Readonly<Record<string, string>>, unset: readonly string[] = []): Promise<void> {
    const set = Object.fromEntries(
      Object.entries(plain).map(([key, value]) => [key, `enc1.aXY.dGFn.${value}`]),
    );
    const baseVersion = this.platform.world.liveOf('a1')?.release.version ?? null;
    return this.platform.do('app', 'a1', { type: 'ChangeConfig', set, unset, baseVersion });
  }

  private endRollout(
    generation: number,
    command: Parameters<typeof this.platform.do<'rollout'>>[2],
  ): Promise<void> {
    return this.platform.do('rollout', rolloutIdOf('a1', generation), command, DEPLOYER);
  }
}
