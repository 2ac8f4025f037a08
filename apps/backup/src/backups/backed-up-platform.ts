import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandHandler, worldFold } from '@shiplog/commands';
import { World, backupIdOf } from '@shiplog/domain';
import { volumeLabels } from '@shiplog/engine';
import type { BackupHookRun, VolumeBackup } from '@shiplog/events';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import { Keyring, MasterKey } from '@shiplog/secrets';
import { InMemoryImageEngine } from '../engine/in-memory-image-engine.js';
import { InMemoryVolumeEngine } from '../engine/in-memory-volume-engine.js';
import type { BackupTarget } from '../target/backup-target.port.js';
import { createBackup, type CreateOptions, type Created } from './create-backup.js';

/** For tests: as much of a platform as a backup is made of, with a home and a log of its own. */
export class BackedUpPlatform {
  readonly log = new InMemoryEventLog();
  readonly world = new World();
  readonly keys: Keyring;
  readonly masterKeyFile: string;
  readonly volumes: InMemoryVolumeEngine;
  private readonly feed = new LogFeed(this.log).add(worldFold(this.world, 'test'));
  /** How a backup hook goes. */
  hookRun: BackupHookRun = { ranIn: 'i1', outcome: 'succeeded', exitCode: 0, said: '' };
  private made = 0;

  private constructor(
    readonly home: string,
    private readonly platform: string,
  ) {
    this.volumes = new InMemoryVolumeEngine(platform);
    this.masterKeyFile = join(home, 'master-key/master.key');
    this.keys = new Keyring(join(home, 'keys'), new MasterKey(this.masterKeyFile));
  }

  static async start(platform = 'test'): Promise<BackedUpPlatform> {
    const home = await mkdtemp(join(tmpdir(), 'shiplog-backed-up-'));
    const started = new BackedUpPlatform(home, platform);
    await started.feed.start();
    return started;
  }

  /** An app with a key, made for that reason. */
  async app(appId: string, reason?: string): Promise<void> {
    const { log, world, feed } = this;
    const command = { type: 'CreateApp', appId, name: `app-${appId}`, teamId: 't1' } as const;
    const actor = { kind: 'process', id: 'p1', name: 'test' } as const;
    const by = { actor, ...(reason !== undefined && { reason }) };
    await new CommandHandler({ log, world, feed }).handle('app', appId, command, by);
    await feed.catchUp();
    await this.keys.encrypt(appId, 'secret');
  }

  /** A volume of it, as the deployer makes one. */
  async volume(appId: string, name: string, engineName: string): Promise<void> {
    const { log, world, feed, platform } = this;
    const handler = new CommandHandler({ log, world, feed });
    const by = { actor: { kind: 'process', id: 'p1', name: 'test' } } as const;
    const volumeId = `vol_${name}`;
    const place = { path: `/${name}`, processes: ['web'], shared: true, sizeBytes: 2 ** 30 };
    const declared = { volumeId, name, ...place, baseVersion: null };
    await handler.handle('app', appId, { type: 'AddVolume', ...declared }, by);
    const made = { volumeId, appId, name, incarnation: 1, nodeId: 'n1', engineName };
    await handler.handle('volume', volumeId, { type: 'RecordVolumeCreated', ...made }, by);
    await feed.catchUp();
    await this.volumes.create(engineName, volumeLabels({ platform, appId, volumeId }));
  }

  /** How a volume of it is backed up from now on. */
  async backedUp(appId: string, name: string, changes: Partial<VolumeBackup>): Promise<void> {
    const { log, world, feed } = this;
    const by = { actor: { kind: 'process', id: 'p1', name: 'test' } } as const;
    const command = { type: 'ChangeVolumeBackup', name, changes } as const;
    await new CommandHandler({ log, world, feed }).handle('app', appId, command, by);
    await feed.catchUp();
  }

  /** Each one a minute later than the one before. */
  async backup(target: BackupTarget, options: Partial<CreateOptions> = {}): Promise<Created> {
    this.made += 1;
    const startedAtMs = Date.UTC(2026, 0, 1) + this.made * 60_000;
    const { home, log, world, masterKeyFile, platform } = this;
    const config = { home, platform, masterKeyFile, domain: 'localhost', nodeId: 'n1' };
    const catchUp = () => this.feed.catchUp();
    const engine = new InMemoryImageEngine();
    const now = () => startedAtMs;
    const { volumes } = this;
    const runHook = () => Promise.resolve(this.hookRun);
    return createBackup({ config, log, world, catchUp, engine, volumes, runHook, now }, target, {
      backupId: backupIdOf(startedAtMs, platform === 'test' ? '00000001' : '00000002'),
      startedAtMs,
      keep: null,
      wasUsed: false,
      verificationOf: () => 'none',
      withVolumes: true,
      onStep: () => undefined,
      signal: new AbortController().signal,
      ...options,
    });
  }

  async end(): Promise<void> {
    await this.feed.stop();
    await rm(this.home, { recursive: true, force: true });
  }
}
