import type { PlatformConfig } from '@shiplog/runtime';
import { ensureStateFiles, readPool, writeConfig } from './files.js';
import { ensureProcess, masterPid, renew, type HaproxyProcess } from './process.js';
import { prepareDirectories, routerPaths } from '../routes/router-paths.js';

/** Starts HAProxy detached, or adopts the one that runs. `binary`: default SHIPLOG_HAPROXY, else found. */
export const ensureHaproxy = (config: PlatformConfig, binary?: string): Promise<HaproxyProcess> =>
  ensureProcess(config, routerPaths(config, process.env), binary);

/**
 * Writes the configuration and its files for a HAProxy that somebody else starts; its path. One that
 * runs already goes on with it, and loses no request.
 */
export const renderConfigFile = async (config: PlatformConfig): Promise<string> => {
  const paths = routerPaths(config, process.env);
  await prepareDirectories(paths);
  await ensureStateFiles(paths);
  if ((await masterPid(paths)) !== undefined) await renew(config, paths);
  else await writeConfig(config, paths, await readPool(paths));
  return paths.config;
};
