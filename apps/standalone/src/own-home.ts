import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, type PlatformConfig } from '@shiplog/runtime';

/**
 * A home belongs to the platform that was started on it first: under another name its containers and
 * routes would not be known as its own, and everything would run twice.
 */
export const ownHome = async (config: Pick<PlatformConfig, 'home' | 'platform'>): Promise<void> => {
  const file = join(config.home, 'platform');
  try {
    await writeFile(file, `${config.platform}\n`, { flag: 'wx', mode: 0o644 });
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const owner = (await readFile(file, 'utf8')).trim();
  if (owner === config.platform || owner === '') return;
  throw new ConfigError(
    `SHIPLOG_HOME=${config.home} holds the data of platform "${owner}", not of "${config.platform}":\n` +
      `set SHIPLOG_PLATFORM=${owner}, or give "${config.platform}" a SHIPLOG_HOME of its own`,
  );
};
