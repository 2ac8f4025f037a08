import { parseArgs } from 'node:util';
import { connectEngine } from '@shiplog/engine';
import { importInto, openImportTarget, withHome } from '@shiplog/provisioner';
import { describeError, readConfig } from '@shiplog/runtime';
import { BackupError } from '../backup-error.js';
import { DockerImageEngine } from '../engine/docker-image-engine.js';
import { DockerVolumeEngine } from '../engine/docker-volume-engine.js';
import { identityIn } from '../parts/recovery-key.js';
import { openTarget } from '../target/open-target.js';
import { readRecoveryKeyFile, restoreBackup, type Restored } from './restore-backup.js';

/** Exit codes of the CLI (architecture §7), because it hands ours on. */
const EXIT_OF: Readonly<Record<string, number>> = {
  usage: 2,
  'backup-target-invalid': 2,
  'recovery-key-needed': 2,
  'backup-not-found': 3,
  'home-not-empty': 4,
  'platform-differs': 4,
  'import-refused': 4,
  'recovery-key-invalid': 4,
  'backup-target-busy': 5,
  'backup-target-unavailable': 6,
  'engine-unavailable': 6,
};

/** `restore [ID] --from ADDRESS (--recovery-key FILE | --without-keys) [--without-volumes] [--json]`, while no platform runs. */
export const runRestore = async (args: readonly string[], env: NodeJS.ProcessEnv) => {
  const isJson = args.includes('--json');
  try {
    const restored = await restore(args, env, (text) => process.stderr.write(`${text}\n`));
    process.stdout.write(isJson ? `${JSON.stringify(restored)}\n` : textOf(restored));
    return 0;
  } catch (error) {
    const code = codeOf(error);
    const detail = describeError(error);
    process.stderr.write(isJson ? `${JSON.stringify({ code, detail })}\n` : `error: ${detail}\n`);
    return EXIT_OF[code] ?? 1;
  }
};

const restore = async (
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onStep: (text: string) => void,
): Promise<Restored> => {
  const config = readConfig(env);
  const { from, backupId, keyFile, withVolumes } = optionsOf(args);
  const recoveryKey =
    keyFile === undefined ? undefined : identityIn(await readRecoveryKeyFile(keyFile));
  const docker = connectEngine({ host: config.engine });
  const target = await openTarget(from, config.home);
  try {
    // Held for as long: nobody starts a platform on a home that is half there.
    return await withHome(config.home, () =>
      restoreBackup(
        {
          config,
          engine: new DockerImageEngine(docker),
          volumes: new DockerVolumeEngine(docker, config.platform),
          now: Date.now,
          importLog: async (commits) => {
            const log = await openImportTarget(config);
            try {
              return await importInto(log, commits);
            } finally {
              await log.close();
            }
          },
        },
        target,
        { backupId, recoveryKey, withVolumes, onStep },
      ),
    );
  } finally {
    await target.close();
  }
};

const optionsOf = (args: readonly string[]) => {
  const { values, positionals } = parsed(args);
  const { from } = values;
  const keyFile = values['recovery-key'];
  if (from === undefined) throw new BackupError('usage', 'say where from: --from /mnt/backup');
  if ((keyFile === undefined) !== (values['without-keys'] === true)) {
    throw new BackupError(
      'recovery-key-needed',
      'give the recovery key with --recovery-key FILE; without it no config value can be read again, which --without-keys accepts',
    );
  }
  const withVolumes = values['without-volumes'] !== true;
  return { from, keyFile, backupId: positionals[0], withVolumes };
};

const parsed = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        from: { type: 'string' },
        'recovery-key': { type: 'string' },
        'without-keys': { type: 'boolean' },
        'without-volumes': { type: 'boolean' },
        json: { type: 'boolean' },
      },
    });
  } catch (cause) {
    throw new BackupError('usage', describeError(cause));
  }
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'failed';

const textOf = (restored: Restored): string =>
  [
    ...restored.warnings.map((warning) => `warning: ${warning}`),
    `Restored backup ${restored.backupId}: ${restored.commits} commits, ${restored.keys} keys, ${restored.repositories} git repositories, ${restored.sources} sources, ${restored.images} images, ${restored.volumes} volumes.`,
    `Start the platform now: SHIPLOG_PLATFORM=${restored.platform} npm start`,
    '',
  ].join('\n');
