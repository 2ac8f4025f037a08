import { createWriteStream } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describeError, faultPoint, pathsOf, type PlatformConfig } from '@shiplog/runtime';
import { BackupError } from '../backup-error.js';
import { bundlesFor, keysOf } from '../backups/key-bundles.js';
import { refsOf } from '../backups/verify-backup.js';
import { findBackup } from '../content/backup-set.js';
import { readContent } from '../content/content-store.js';
import type { Manifest } from '../content/manifest.js';
import type { ImageEngine } from '../engine/image-engine.port.js';
import type { VolumeEngine } from '../engine/volume-engine.port.js';
import { placeImage } from '../parts/images.js';
import { placeKeys, type KeyFile } from '../parts/keys.js';
import { backupPaths } from '../parts/recovery-key.js';
import { placeRepository } from '../parts/repositories.js';
import { savedCommits, type SavedCommit } from '../parts/saved-log.js';
import type { BackupTarget } from '../target/backup-target.port.js';
import { markRestoring, restoreVolumes, volumesBegun } from './restore-volumes.js';

export interface RestoreWorld {
  readonly config: Pick<PlatformConfig, 'home' | 'platform' | 'nodeId' | 'masterKeyFile'>;
  readonly engine: ImageEngine;
  readonly volumes: VolumeEngine;
  /** Makes a log of these commits in the home. */
  readonly importLog: (commits: AsyncIterable<SavedCommit>) => Promise<unknown>;
  readonly now: () => number;
}

export interface RestoreOptions {
  /** Default: the newest. */
  readonly backupId: string | undefined;
  /** Undefined: without keys, so that no config value can be read again. The person said so. */
  readonly recoveryKey: string | undefined;
  /** What is in volumes, too. */
  readonly withVolumes: boolean;
  readonly onStep: (text: string) => void;
}

export interface Restored {
  readonly backupId: string;
  readonly platform: string;
  readonly position: string;
  readonly commits: number;
  readonly keys: number;
  readonly repositories: number;
  readonly sources: number;
  readonly images: number;
  readonly volumes: number;
  /** What is not as it was, and what becomes of it. */
  readonly warnings: readonly string[];
}

/**
 * Makes a home from a backup: everything but the platform's own processes. Each piece is checked while it is
 * read; the log comes last, when all it refers to is there. The home must be new, or one whose restore was
 * cut off: then it is begun again.
 */
export const restoreBackup = async (
  world: RestoreWorld,
  target: BackupTarget,
  options: RestoreOptions,
): Promise<Restored> => {
  const { home } = world.config;
  await requireEmptyHome(home);
  const { manifest } = await findBackup(target, options.backupId);
  requireName(world.config, manifest);
  const keys = await openedKeys(target, manifest, options.recoveryKey);
  const begun = await volumesBegun(home);
  await clearHome(home);
  await markRestoring(home, manifest.backupId, begun);
  faultPoint('backup/restore-begun');

  const restore = new Restore(world, target, manifest, options.onStep);
  await placeKeys(world.config, keys);
  await restore.files();
  await restore.sources();
  await restore.repositories();
  faultPoint('backup/restore-before-images');
  await restore.images();
  await restore.volumes(options.withVolumes);
  const commits = await restore.log();
  faultPoint('backup/restore-before-end');
  await restore.remember(target.address, keys.length > 0);
  await rm(pathsOf(home).restoring);
  return {
    backupId: manifest.backupId,
    platform: manifest.platform,
    position: manifest.position,
    commits,
    keys: keys.length,
    repositories: manifest.repositories.length,
    sources: manifest.sources.length,
    images: manifest.images.length,
    volumes: options.withVolumes ? manifest.volumes.length : 0,
    warnings: restore.warnings,
  };
};

/** Containers, images and routes bear the name of the platform: under another one they would be lost. */
const requireName = (
  { platform, nodeId }: Pick<PlatformConfig, 'platform' | 'nodeId'>,
  manifest: Manifest,
): void => {
  if (platform === manifest.platform && nodeId === manifest.nodeId) return;
  throw new BackupError(
    'platform-differs',
    `backup ${manifest.backupId} is of platform "${manifest.platform}" on node "${manifest.nodeId}": set SHIPLOG_PLATFORM=${manifest.platform} SHIPLOG_NODE=${manifest.nodeId} and restore again`,
  );
};

/** What a disk, a test, or the claim on this home may have put there. */
const MAY_BE_THERE = new Set([
  'lost+found',
  'test-run.json',
  'control-plane.pid',
  // The first step of a restore that was cut off at once.
  'restoring.json.new',
]);

const requireEmptyHome = async (home: string): Promise<void> => {
  const names = await readdir(home).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const inTheWay = names.filter((name) => !MAY_BE_THERE.has(name));
  if (inTheWay.length === 0 || inTheWay.includes(basename(pathsOf(home).restoring))) return;
  throw new BackupError(
    'home-not-empty',
    `${home} holds ${inTheWay.slice(0, 3).join(', ')}${inTheWay.length > 3 ? ' and more' : ''}: a restore makes a new data directory. Set SHIPLOG_HOME to an empty one, or move this one away`,
  );
};

const clearHome = async (home: string): Promise<void> => {
  await mkdir(home, { recursive: true, mode: 0o700 });
  for (const name of await readdir(home)) {
    // The marker goes last of all: without it the rest would look like somebody's platform.
    if (MAY_BE_THERE.has(name) || name === 'restoring.json') continue;
    await rm(join(home, name), { recursive: true, force: true });
  }
};

/** Before anything is written: with the wrong key nothing is begun. */
const openedKeys = async (
  target: BackupTarget,
  manifest: Manifest,
  recoveryKey: string | undefined,
): Promise<readonly KeyFile[]> => {
  if (recoveryKey === undefined) return [];
  if ((await bundlesFor(target, manifest)).length === 0) {
    throw new BackupError('backup-damaged', 'the keys of the backup are not at the target');
  }
  return keysOf(target, manifest, recoveryKey);
};

class Restore {
  readonly warnings: string[] = [];
  private readonly read: (content: string) => Promise<Readable>;

  constructor(
    private readonly world: RestoreWorld,
    private readonly target: BackupTarget,
    private readonly manifest: Manifest,
    private readonly onStep: (text: string) => void,
  ) {
    const refOf = refsOf(manifest);
    this.read = (content) => readContent(target, refOf(content));
    // Of volumes more is said below.
    for (const { kind, name, why } of manifest.missing)
      if (kind !== 'volume') this.warnings.push(`${kind} ${name}: ${why}`);
  }

  async files(): Promise<void> {
    const { home } = this.world.config;
    for (const { path, content } of this.manifest.files) {
      const file = join(home, path);
      if (!file.startsWith(`${home}${sep}`)) throw new Error(`${path} leaves the home`);
      await this.place(file, content);
    }
  }

  async sources(): Promise<void> {
    const { sources } = this.manifest;
    this.onStep(`${sources.length} sources`);
    const folder = pathsOf(this.world.config.home).sources;
    for (const content of sources) await this.place(join(folder, `${content}.tar`), content);
  }

  async repositories(): Promise<void> {
    const { repositories } = this.manifest;
    this.onStep(`${repositories.length} git repositories`);
    const folder = pathsOf(this.world.config.home).repositories;
    for (const one of repositories) await placeRepository(folder, one, this.read);
  }

  /** An image that does not come back is no reason to have nothing: the builder makes it again. */
  async images(): Promise<void> {
    for (const image of this.manifest.images) {
      this.onStep(`image ${image.tags[0] ?? image.id}`);
      if (await placeImage(this.world.engine, image, this.read)) continue;
      this.warnings.push(
        `image ${image.tags[0] ?? image.id}: this engine gives it another id; it is built again from its source when it is needed`,
      );
    }
  }

  /** Before the log: who needs them is not started without. */
  async volumes(isWanted: boolean): Promise<void> {
    const { manifest, read, onStep } = this;
    const { volumes: engine, config } = this.world;
    const left = manifest.volumes.map(({ index: _, bytes: _bytes, engineName: _name, ...of }) => ({
      ...of,
      ...({ outcome: 'left-out', why: 'the restore was made without volumes' } as const),
    }));
    const wanted = isWanted
      ? manifest
      : { ...manifest, volumes: [], volumesLeft: [...manifest.volumesLeft, ...left] };
    const place = { engine, home: config.home, onStep };
    this.warnings.push(...(await restoreVolumes(place, wanted, read)));
  }

  /** Checked commit by commit on its way, and once more by the importer. */
  async log(): Promise<number> {
    this.onStep(`log up to ${Number(this.manifest.position)}`);
    let commits = 0;
    const { target, manifest } = this;
    const counted = async function* (): AsyncGenerator<SavedCommit> {
      for await (const commit of savedCommits(target, manifest, refsOf(manifest))) {
        commits += 1;
        yield commit;
      }
    };
    await this.world.importLog(counted());
    return commits;
  }

  /** For the first start: it is a fact, and backups go on being sealed for the same recovery key. */
  async remember(target: string, withKeys: boolean): Promise<void> {
    const {
      config: { home },
      now,
    } = this.world;
    const { restored, recipient } = backupPaths(home);
    const { backupId, position, keys } = this.manifest;
    const restoredAt = new Date(now()).toISOString();
    const fact = { backupId, target, position, restoredAt, withKeys };
    await mkdir(dirname(recipient), { recursive: true, mode: 0o700 });
    await writeFile(join(home, 'platform'), `${this.manifest.platform}\n`, { mode: 0o644 });
    await writeFile(recipient, `${keys.recipient}\n`, { mode: 0o600, flush: true });
    await writeFile(restored, JSON.stringify(fact), { mode: 0o600, flush: true });
  }

  private async place(file: string, content: string): Promise<void> {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const fresh = `${file}.restoring`;
    await pipeline(await this.read(content), createWriteStream(fresh, { mode: 0o600 }));
    await syncFile(fresh);
    await rename(fresh, file);
  }
}

const syncFile = async (file: string): Promise<void> => {
  const handle = await open(file, 'r');
  await handle.sync();
  await handle.close();
};

/** The recovery key in a file; an error that says which. */
export const readRecoveryKeyFile = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new BackupError('recovery-key-invalid', `reading ${file}: ${describeError(cause)}`, {
      cause,
    });
  }
};
