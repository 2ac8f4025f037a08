import { createReadStream } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { World } from '@shiplog/domain';
import type { BackupGap } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import { describeError, faultPoint, pathsOf, type PlatformConfig } from '@shiplog/runtime';
import { BackupError } from '../backup-error.js';
import { MARKER, putText, readBackupSet } from '../content/backup-set.js';
import { ContentStore, clearStaging } from '../content/content-store.js';
import { FORMAT, encodeManifest, manifestName, type Manifest } from '../content/manifest.js';
import { lockTarget } from '../content/target-lock.js';
import type { ImageEngine } from '../engine/image-engine.port.js';
import type { VolumeEngine } from '../engine/volume-engine.port.js';
import { reuseImage, saveImage } from '../parts/images.js';
import { fingerprintOf, isSecretName, keyFiles, sealKeys } from '../parts/keys.js';
import { saveLog } from '../parts/log-segments.js';
import { backupPaths, ensureRecoveryKey } from '../parts/recovery-key.js';
import { repositoriesIn, saveRepository } from '../parts/repositories.js';
import { saveSource } from '../parts/sources.js';
import type { RunVolumeHook } from '../parts/volume-hook.js';
import { saveVolumes } from '../parts/volumes.js';
import type { BackupTarget } from '../target/backup-target.port.js';
import { lineageOf, refuseForeign } from './lineage.js';
import { neededBy, type Needed } from './needed.js';
import { planBundles } from './plan-bundles.js';
import { prune, type Pruned } from './prune.js';
import { damagedAmong, suspectObjects, type VerificationOf } from './suspects.js';

export interface BackupWorld {
  readonly config: Pick<
    PlatformConfig,
    'home' | 'platform' | 'domain' | 'nodeId' | 'masterKeyFile'
  >;
  readonly log: Pick<EventLog, 'readStored' | 'compare' | 'isDense'>;
  readonly world: World;
  /** Folds the log to where it ends now. */
  readonly catchUp: () => Promise<unknown>;
  readonly engine: ImageEngine;
  readonly volumes: VolumeEngine;
  readonly runHook: RunVolumeHook;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
}

export interface CreateOptions {
  readonly backupId: string;
  readonly startedAtMs: number;
  /** What the policy keeps; null: everything. */
  readonly keep: string | null;
  /** A backup succeeded here before: a place that has nothing of it is not that place. */
  readonly wasUsed: boolean;
  /** What came out when a backup was read back last. */
  readonly verificationOf: VerificationOf;
  /** What is in volumes, too. */
  readonly withVolumes: boolean;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface Created {
  readonly manifest: Manifest;
  readonly digest: string;
  readonly pruned: Pruned;
  /** What went wrong when it was made already: it is no worse for it. */
  readonly warnings: readonly string[];
}

/**
 * One backup, while the platform goes on: a position of the log is fixed, then everything the log up to
 * there refers to is saved. The manifest is written last: whatever is cut off before leaves objects that
 * the next run finds there, and no backup.
 */
export const createBackup = async (
  platform: BackupWorld,
  target: BackupTarget,
  options: CreateOptions,
): Promise<Created> => {
  const { home } = platform.config;
  const { staging } = backupPaths(home);
  const { recipient } = await ensureRecoveryKey(home);
  await refuseEmptied(target, options);
  await clearStaging(staging);
  // What lies at the target counts only once nobody else changes it.
  const lock = await lockTarget(target, { id: options.backupId, staging, now: platform.now });
  const warnings: string[] = [];
  try {
    await target.removeLeftovers();
    const set = await readBackupSet(target);
    const manifests = set.backups.map(({ manifest }) => manifest);
    const { log, config } = platform;
    const lineage = await lineageOf({ log, platform: config.platform }, manifests);
    refuseForeign(target.address, lineage);
    const candidates = manifests.flatMap(({ objects }) => objects);
    const suspects = suspectObjects(manifests, options.verificationOf);
    const damaged = await damagedAmong(target, suspects, options);
    const store = await ContentStore.open(target, staging, candidates, damaged);
    const run = new Run(platform, store, options);
    // The newest: what it has of the log is taken over.
    const base = lineage.ours.at(-1);
    const saved = await run.save(base, recipient);
    faultPoint('backup/before-manifest');
    await lock.requireHeld();
    const { manifest, text, digest } = run.manifestOf(base, saved, lineage.ours);
    await putText(target, staging, MARKER, `{"format":${FORMAT}}\n`);
    await putText(target, staging, manifestName(options.backupId), text);
    faultPoint('backup/after-manifest');
    // Of a damaged manifest nobody knows what it refers to: then everything stays.
    const pruned =
      set.damaged.length > 0
        ? { backupIds: [], bytes: 0, problem: null }
        : await prune(
            target,
            { ours: [...lineage.ours, manifest], others: lineage.others },
            { keep: options.keep, livingApps: saved.needed.appIds },
          );
    if (pruned.problem !== null) {
      warnings.push(`what is not kept is not removed yet: ${pruned.problem}`);
    }
    return { manifest, digest, pruned, warnings };
  } finally {
    await lock.release().catch((error: unknown) => {
      warnings.push(`the lock is still at the target, for ten minutes: ${describeError(error)}`);
    });
  }
};

const refuseEmptied = async (target: BackupTarget, { wasUsed }: CreateOptions): Promise<void> => {
  if (!wasUsed || (await target.list(MARKER)).length > 0) return;
  throw new BackupError(
    'backup-target-emptied',
    `${target.address} had backups and has none now: is its disk mounted? If it was emptied on purpose, put a file ${MARKER} with {} into it`,
  );
};

type Saved = Awaited<ReturnType<Run['save']>>;

class Run {
  private readonly missing: BackupGap[] = [];

  constructor(
    private readonly platform: BackupWorld,
    private readonly store: ContentStore,
    private readonly options: CreateOptions,
  ) {}

  async save(base: Manifest | undefined, recipient: string) {
    const { world, catchUp } = this.platform;
    // Before the position is fixed: what signs the log must not speak of more than the backup has.
    const files = await this.saveFiles(['integrity']);
    await catchUp();
    const needed = neededBy(world);
    this.step(`log up to ${Number(needed.position)}`);
    const { segments, headHash } = await saveLog(this.platform.log, this.store, {
      upTo: needed.position,
      base: base?.log ?? [],
      onCommits: (count) => this.step(`${count} commits`),
    });
    faultPoint('backup/after-log');
    const sources = await this.saveSources(needed);
    const repositories = await this.saveRepositories(needed, base);
    faultPoint('backup/after-repositories');
    const images = await this.saveImages(needed, base);
    faultPoint('backup/after-images');
    const { saved: volumes, left: volumesLeft } = await saveVolumes(
      {
        store: this.store,
        engine: this.platform.volumes,
        runHook: this.platform.runHook,
        ...this.options,
      },
      needed.volumes,
    );
    faultPoint('backup/after-volumes');
    const keys = await this.saveKeys(recipient);
    const parts = { files, sources, repositories, images, volumes, volumesLeft, keys };
    return { needed, headHash, segments, parts };
  }

  manifestOf(base: Manifest | undefined, saved: Saved, earlier: readonly Manifest[]) {
    const { config, now } = this.platform;
    const { backupId, startedAtMs } = this.options;
    const { lost } = planBundles(
      [...earlier, { backupId, keys: saved.parts.keys }],
      saved.needed.appIds,
    );
    const lostKeys = lost.map((name): BackupGap => ({
      kind: 'key',
      name,
      why: 'its app is there, but its key is not; an earlier backup has it, and keeps it',
    }));
    const manifest: Manifest = {
      format: FORMAT,
      backupId,
      platform: config.platform,
      domain: config.domain,
      nodeId: config.nodeId,
      startedAt: new Date(startedAtMs).toISOString(),
      createdAt: new Date(now()).toISOString(),
      base: base?.backupId ?? null,
      position: saved.needed.position,
      headHash: saved.headHash,
      log: [...saved.segments],
      ...saved.parts,
      missing: [...this.missing, ...lostKeys, ...lostVolumes(saved.parts.volumesLeft)],
      objects: [...this.store.objects],
      addedBytes: this.store.addedBytes,
    };
    return { manifest, ...encodeManifest(manifest) };
  }

  /** Files of the home that are kept as they are, where they exist. */
  private async saveFiles(folders: readonly string[]): Promise<Manifest['files']> {
    const { home } = this.platform.config;
    const saved: Manifest['files'] = [];
    for (const folder of folders) {
      for (const path of await filesBelow(join(home, folder))) {
        if (isSecretName(path)) continue;
        const content = await this.store.put(createReadStream(path));
        saved.push({ path: relative(home, path).split(sep).join('/'), content });
      }
    }
    return saved;
  }

  private async saveSources({ sources }: Needed): Promise<string[]> {
    const folder = pathsOf(this.platform.config.home).sources;
    const saved: string[] = [];
    this.step(`${sources.length} sources`);
    for (const digest of sources) {
      this.options.signal.throwIfAborted();
      const result = await saveSource(this.store, folder, digest);
      if ('content' in result) saved.push(result.content);
      else this.missing.push(result.missing);
    }
    return saved;
  }

  private async saveRepositories(
    { appIds }: Needed,
    base: Manifest | undefined,
  ): Promise<Manifest['repositories']> {
    const folder = pathsOf(this.platform.config.home).repositories;
    const saved: Manifest['repositories'] = [];
    const there = (await repositoriesIn(folder)).filter((appId) => appIds.has(appId));
    this.step(`${there.length} git repositories`);
    for (const appId of there) {
      this.options.signal.throwIfAborted();
      const earlier = base?.repositories.find((one) => one.appId === appId);
      const repository = await saveRepository(this.store, folder, appId, earlier);
      if (repository !== undefined) saved.push(repository);
    }
    return saved;
  }

  private async saveImages(
    { images }: Needed,
    base: Manifest | undefined,
  ): Promise<Manifest['images']> {
    const saved: Manifest['images'] = [];
    this.step(`${images.size} images`);
    for (const [id, { ref, hasSource }] of images) {
      this.options.signal.throwIfAborted();
      const earlier = base?.images.find((one) => one.id === id);
      if (earlier !== undefined && reuseImage(this.store, earlier)) {
        saved.push(earlier);
        continue;
      }
      this.step(`image ${ref}`);
      const image = await saveImage(this.store, this.platform.engine, id);
      if (image !== undefined) saved.push(image);
      else this.missing.push(lostImage(ref, hasSource));
    }
    return saved;
  }

  /** Sealed anew only when a key changed: sealing the same twice gives other bytes. */
  private async saveKeys(recipient: string): Promise<Manifest['keys']> {
    const { config } = this.platform;
    const files = await keyFiles(config);
    const names = files.map(({ path }) => path);
    const fingerprint = fingerprintOf(files, recipient);
    const { sealed } = backupPaths(config.home);
    const last = await readSealed(sealed);
    if (last?.fingerprint === fingerprint && this.store.reuse(last.content)) {
      return { recipient, content: last.content, files: names };
    }
    const content = await this.store.putBytes(await sealKeys(files, recipient));
    await writeFile(sealed, JSON.stringify({ fingerprint, content }), { mode: 0o600 });
    return { recipient, content, files: names };
  }

  private step(text: string): void {
    this.options.onStep(text);
  }
}

const lostVolumes = (left: Manifest['volumesLeft']): BackupGap[] =>
  left.flatMap(({ appName, name, outcome, why }) =>
    outcome === 'failed' ? [{ kind: 'volume', name: `${appName}/${name}`, why }] : [],
  );

const lostImage = (ref: string, hasSource: boolean): BackupGap => ({
  kind: 'image',
  name: ref,
  why: hasSource
    ? 'the engine has it no more; a restore builds it again from its source'
    : 'the engine has it no more, and it has no source to be built from',
});

const readSealed = (file: string): Promise<{ fingerprint: string; content: string } | undefined> =>
  readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as { fingerprint: string; content: string },
    () => undefined,
  );

const filesBelow = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    },
  );
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
};
