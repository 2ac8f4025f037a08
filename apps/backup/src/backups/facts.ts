import { createHash, randomBytes } from 'node:crypto';
import type { CommandContext } from '@shiplog/commands';
import type { BackupCommand, KnownBackup } from '@shiplog/domain';
import { describeError } from '@shiplog/runtime';
import { BackupError } from '../backup-error.js';
import { storedBytesOf, type Manifest, type VolumeLeftOut } from '../content/manifest.js';

/** The log says no. */
export class RefusedError extends Error {
  constructor(
    readonly code: string,
    detail: string,
  ) {
    super(detail);
    this.name = 'RefusedError';
  }
}

export const UNREADABLE = {
  platform: null,
  startedAt: null,
  createdAt: null,
  position: null,
  bytes: null,
  addedBytes: null,
  objects: null,
  missing: [],
  volumesLeft: [],
  verification: 'failed' as const,
  verifiedAt: null,
};

export const detailOf = (rejection: { code: string; backupId?: string }): string =>
  rejection.backupId === undefined
    ? `the log refuses it: ${rejection.code}`
    : `backup ${rejection.backupId} is being made; \`shiplog backup create\` follows the next one when it has ended`;

export const succeeded = (
  nodeId: string,
  target: string,
  manifest: Manifest,
  digest: string,
  durationMs: number,
): BackupCommand => ({
  type: 'SucceedBackup',
  nodeId,
  backupId: manifest.backupId,
  target,
  position: manifest.position,
  manifest: digest,
  bytes: storedBytesOf(manifest),
  addedBytes: manifest.addedBytes,
  objects: manifest.objects.length,
  durationMs: Math.round(durationMs),
  missing: manifest.missing.slice(0, 200),
  volumes: [
    ...manifest.volumesLeft.map((left) => ({ ...left, bytes: 0 })),
    ...manifest.volumes.map((saved) => ({ ...saved, outcome: 'saved' as const, why: null })),
  ]
    .slice(0, 1000)
    .map(({ appId, volumeId, name, outcome, bytes, why }) => ({
      ...{ appId, volumeId, name, outcome, bytes, why },
    })),
});

export const problemOf = (error: unknown): { code: string; summary: string } => ({
  code: error instanceof BackupError ? error.code : 'failed',
  summary: describeError(error).slice(0, 2000),
});

export const summaryOf = (
  { backupId, position, addedBytes, missing }: Manifest,
  warnings: readonly string[],
): string => {
  // Volumes are named by `withoutVolumes`.
  const count = missing.filter(({ kind }) => kind !== 'volume').length;
  const gaps = count === 0 ? '' : `; not to be had: ${count} ${count === 1 ? 'thing' : 'things'}`;
  return `backup ${backupId}: the log up to ${Number(position)}, ${addedBytes} bytes added${gaps}${warnings.map((one) => `; ${one}`).join('')}`;
};

/** Said as a failure: who relies on what is in volumes must not read over it. */
export const withoutVolumes = (
  summary: string,
  failed: readonly Pick<VolumeLeftOut, 'appName' | 'name' | 'why'>[],
): string => {
  const named = failed.slice(0, 10).map(({ appName, name, why }) => `${appName}/${name}: ${why}`);
  return `${summary}, but WITHOUT what is in ${failed.length} of the volumes: ${named.join('; ')}`;
};

/** The same request makes the same backup; everything else another one. */
export const suffixOf = ({ command }: CommandContext): string =>
  command == null
    ? randomBytes(4).toString('hex')
    : createHash('sha256').update(command.id).digest('hex').slice(0, 8);

/** As it lies at a target, with what the log knows about it. */
export const entryOf = (manifest: Manifest, known: KnownBackup | undefined) => ({
  id: manifest.backupId,
  platform: manifest.platform,
  startedAt: manifest.startedAt,
  createdAt: manifest.createdAt,
  position: manifest.position,
  bytes: storedBytesOf(manifest),
  addedBytes: manifest.addedBytes,
  objects: manifest.objects.length,
  missing: manifest.missing,
  volumesLeft: manifest.volumesLeft.map(({ appName, name, outcome, why }) => ({
    ...{ name: `${appName}/${name}`, outcome, why },
  })),
  verification: known?.verification ?? ('none' as const),
  verifiedAt: known?.verifiedAt ?? null,
  problem: known?.verificationProblem ?? null,
});
