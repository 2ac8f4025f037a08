import type { CommandContext } from '@shiplog/commands';
import {
  backupIdOf,
  startOfBackup,
  type BackupCommand,
  type BackupState,
  type KnownBackup,
} from '@shiplog/domain';
import { describeError, faultPoint, onOwnAccount, type ProcessContext } from '@shiplog/runtime';
import { BackupError } from '../backup-error.js';
import type { ImageEngine } from '../engine/image-engine.port.js';
import type { VolumeEngine } from '../engine/volume-engine.port.js';
import { ensureRecoveryKey, type RecoveryKeyPlace } from '../parts/recovery-key.js';
import { hooksByDeployer } from '../parts/volume-hook.js';
import type { OpenTarget } from '../target/open-target.js';
import { BackupJobs } from './backup-jobs.js';
import { createBackup, type CreateOptions } from './create-backup.js';
import {
  detailOf,
  problemOf,
  RefusedError,
  succeeded,
  suffixOf,
  summaryOf,
  withoutVolumes,
} from './facts.js';
import type { Manifest } from '../content/manifest.js';
import { listBackups, newestAt } from './list-backups.js';
import { manifestThere } from './manifest-there.js';
import { planDue } from './plan-due.js';
import { forgetRestored, readRestored } from './restored-fact.js';
import { verifyBackup } from './verify-backup.js';
import { wantedBackup, type AskedBackup } from './wanted-backup.js';

export interface BackupsParts {
  readonly context: ProcessContext;
  readonly engine: ImageEngine;
  readonly volumes: VolumeEngine;
  readonly openTarget: OpenTarget;
  readonly now?: () => number;
}

export interface StartedBackup {
  readonly backupId: string;
  readonly target: string;
  readonly position: string;
  readonly recoveryKey: RecoveryKeyPlace;
}

interface AskedFor {
  readonly target: string | undefined;
  readonly cause: 'asked' | 'schedule';
  /** What is in volumes, too. */
  readonly withVolumes: boolean;
}

/** Makes and verifies backups, one at a time, and writes down how each ended. */
export class Backups {
  readonly jobs: BackupJobs;
  private readonly now: () => number;
  private readonly abort = new AbortController();

  constructor(private readonly parts: BackupsParts) {
    this.now = parts.now ?? Date.now;
    this.jobs = new BackupJobs(this.now);
  }

  get state(): BackupState {
    const { world, config } = this.parts.context;
    return world.get('backup', config.nodeId).state;
  }

  /** Writes down that a backup begins, and begins it. Resolves when it has begun. */
  async start(asked: AskedFor, by: CommandContext): Promise<StartedBackup> {
    const target = asked.target ?? this.state.policy.target;
    if (target === null) {
      throw new RefusedError(
        'backup-target-missing',
        'say where to: `shiplog backup create --to /mnt/backup`, or set a schedule, which has a target',
      );
    }
    // A wrong address is told before anything is written down.
    const { config } = this.parts.context;
    await (await this.parts.openTarget(target)).close();
    const recoveryKey = await ensureRecoveryKey(config.home);
    const startedAtMs = this.now();
    const backupId = backupIdOf(startedAtMs, suffixOf(by));
    const result = await this.handle(
      { type: 'StartBackup', nodeId: config.nodeId, backupId, target, cause: asked.cause },
      by,
    );
    if (result.outcome === 'repeated') {
      const known = this.state.backups.find((one) => one.backupId.endsWith(suffixOf(by)));
      const same = known ?? { backupId, target };
      return {
        backupId: same.backupId,
        target: same.target,
        position: result.position,
        recoveryKey,
      };
    }
    faultPoint('backup/after-started');
    const order = { backupId, startedAtMs, withVolumes: asked.withVolumes };
    void this.jobs.run(backupId, (onStep) => this.create(order, target, onStep));
    return { backupId, target, position: result.position, recoveryKey };
  }

  private async create(
    order: Pick<CreateOptions, 'backupId' | 'startedAtMs' | 'withVolumes'>,
    address: string,
    onStep: (text: string) => void,
  ): Promise<string> {
    const { context, openTarget, engine, volumes } = this.parts;
    const { config, log, world, feed } = context;
    const { nodeId } = config;
    const wasUsed = this.state.backups.some(
      ({ target, outcome }) => target === address && outcome === 'succeeded',
    );
    let summary = '';
    let failed: Manifest['volumesLeft'] = [];
    try {
      const target = await openTarget(address);
      try {
        const platform = {
          config,
          log,
          world,
          engine,
          volumes,
          now: this.now,
          catchUp: () => feed.catchUp(),
          runHook: hooksByDeployer({
            ...{ context, backupId: order.backupId, now: this.now },
            record: (fact) => this.record(fact),
          }),
        };
        const created = await createBackup(platform, target, {
          ...order,
          keep: this.keepAt(address),
          wasUsed,
          verificationOf: (backupId) => this.known(backupId)?.verification ?? 'none',
          onStep,
          signal: this.abort.signal,
        });
        const { manifest, digest, pruned, warnings } = created;
        for (const warning of warnings) {
          onStep(`warning: ${warning}`);
          this.parts.context.logger.warn({ backupId: order.backupId, warning }, 'backup-warning');
        }
        await this.record(
          succeeded(nodeId, address, manifest, digest, this.now() - order.startedAtMs),
        );
        await this.record({
          type: 'RecordPruned',
          nodeId,
          target: address,
          backupIds: [...pruned.backupIds],
          bytes: pruned.bytes,
        });
        summary = summaryOf(manifest, warnings);
        failed = manifest.volumesLeft.filter(({ outcome }) => outcome === 'failed');
      } finally {
        await target.close();
      }
    } catch (error) {
      // Not when we are stopped: the next start says that it was interrupted.
      if (!this.abort.signal.aborted) await this.recordFailure(order.backupId, address, error);
      throw error;
    }
    // It is made and counts, and whoever asked for it is not told that all is well.
    if (failed.length > 0)
      throw new BackupError('volumes-not-saved', withoutVolumes(summary, failed));
    return summary;
  }

  /** Only what the policy makes is subject to it. */
  private keepAt(address: string): string | null {
    const { target, keep } = this.state.policy;
    return target === address ? keep : null;
  }

  /** Begins to read a backup back. Resolves when it has begun. */
  async verify(asked: AskedBackup): Promise<{ backupId: string }> {
    const { openTarget } = this.parts;
    const { backupId, target } = await wantedBackup(this.state, asked, (place) =>
      newestAt(openTarget, place),
    );
    const job = `verify-${backupId}`;
    if (!this.jobs.isRunning(job)) {
      void this.jobs.run(job, (onStep) => this.readBack(backupId, target, onStep));
    }
    return { backupId };
  }

  private async readBack(
    backupId: string,
    address: string,
    onStep: (text: string) => void,
  ): Promise<string> {
    const { config, world } = this.parts.context;
    const { nodeId } = config;
    const target = await this.parts.openTarget(address);
    try {
      const expectedDigest = this.known(backupId)?.manifest ?? undefined;
      const { objects, bytes, commits } = await verifyBackup(target, {
        backupId,
        expectedDigest,
        livingApps: new Set(world.apps().map(({ appId }) => appId)),
        onStep,
      });
      const verifiedAt = new Date(this.now()).toISOString();
      const data = { nodeId, backupId, target: address, objects, bytes, commits, verifiedAt };
      await this.record({ type: 'RecordVerified', ...data });
      return `backup ${backupId} is whole: ${objects} objects, ${commits} commits in an unbroken chain`;
    } catch (error) {
      // A place that does not answer says nothing about what lies there.
      if (error instanceof BackupError && error.code === 'backup-damaged') {
        const data = { nodeId, backupId, target: address, ...problemOf(error) };
        await this.record({ type: 'RecordVerificationFailed', ...data });
      }
      throw error;
    } finally {
      await target.close();
    }
  }

  /** What lies at a target, with what is known about it. */
  async list(address: string | undefined) {
    const place = address ?? this.state.policy.target ?? this.state.backups.at(-1)?.target;
    if (place === undefined) return { target: null, backups: [] };
    const backups = await listBackups(this.parts.openTarget, place, (id) => this.known(id));
    return { target: place, backups };
  }

  /** One look: what a cut-off run left, what a restore left, and whether a backup is due. */
  async round(): Promise<{ nextRoundInMs?: number }> {
    const { context } = this.parts;
    await context.feed.catchUp();
    await this.tellRestored();
    for (const one of this.state.backups) {
      if (one.outcome === 'running' && !this.jobs.isRunning(one.backupId)) await this.settle(one);
    }
    const due = planDue(this.state, this.now());
    if (due.target !== undefined) await this.startDue(due.target);
    return due.lookAgainInMs === undefined ? {} : { nextRoundInMs: due.lookAgainInMs };
  }

  /** A target that cannot even be opened is a backup that failed, and is written down as one. */
  private async startDue(target: string): Promise<void> {
    const { context } = this.parts;
    const by = onOwnAccount(context);
    try {
      await this.start({ target, cause: 'schedule', withVolumes: true }, by);
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      const { nodeId } = context.config;
      const backupId = backupIdOf(this.now(), suffixOf(by));
      const command = { type: 'StartBackup', nodeId, backupId, target, cause: 'schedule' } as const;
      await this.handle(command, by);
      await this.recordFailure(backupId, target, error);
    }
  }

  /** Cut off: it succeeded if its manifest is there, because that is written last. */
  private async settle({ backupId, target: address }: KnownBackup): Promise<void> {
    const { nodeId } = this.parts.context.config;
    const manifest = await manifestThere(this.parts.openTarget, backupId, address);
    if (manifest === undefined) {
      const summary =
        'the backup process ended while it ran; nothing of it counts, and what it stored is used by the next one';
      await this.record({
        type: 'FailBackup',
        nodeId,
        backupId,
        target: address,
        code: 'interrupted',
        summary,
      });
      return;
    }
    const durationMs = Math.max(
      0,
      Date.parse(manifest.manifest.createdAt) - startOfBackup(backupId),
    );
    await this.record(succeeded(nodeId, address, manifest.manifest, manifest.digest, durationMs));
  }

  private async tellRestored(): Promise<void> {
    const { config } = this.parts.context;
    const fact = await readRestored(config.home);
    if (fact === undefined) return;
    await this.record({ type: 'RecordRestored', nodeId: config.nodeId, ...fact });
    faultPoint('backup/after-restored-recorded');
    await forgetRestored(config.home);
  }

  async changePolicy(
    policy: { schedule: string; target: string | null; keep: string | null },
    by: CommandContext,
  ): Promise<{ position: string }> {
    const { nodeId } = this.parts.context.config;
    if (policy.target !== null) await (await this.parts.openTarget(policy.target)).close();
    const result = await this.handle({ type: 'ChangeBackupPolicy', nodeId, ...policy }, by);
    return { position: result.position };
  }

  /** Ends between two things to save; what is under way is finished or left to the next start. */
  async stop(): Promise<void> {
    this.abort.abort(new Error('the backup process is stopping'));
    await this.jobs.idle();
  }

  private known(backupId: string): KnownBackup | undefined {
    return this.state.backups.find((one) => one.backupId === backupId);
  }

  private async recordFailure(backupId: string, target: string, error: unknown): Promise<void> {
    const { nodeId } = this.parts.context.config;
    this.parts.context.logger.error({ backupId, error: describeError(error) }, 'backup-failed');
    await this.record({ type: 'FailBackup', nodeId, backupId, target, ...problemOf(error) });
  }

  private async record(command: BackupCommand): Promise<void> {
    await this.handle(command, onOwnAccount(this.parts.context));
  }

  private async handle(command: BackupCommand, by: CommandContext) {
    const { commands, config } = this.parts.context;
    const result = await commands.handle('backup', config.nodeId, command, by);
    if (result.outcome === 'accepted' || result.outcome === 'repeated') return result;
    if (result.outcome !== 'rejected') throw new RefusedError(result.outcome, result.outcome);
    throw new RefusedError(result.rejection.code, detailOf(result.rejection));
  }
}
