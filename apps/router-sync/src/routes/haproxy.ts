import type { PlatformConfig } from '@shiplog/runtime';
import { ensureStateFiles, readPool, writeConfig } from './haproxy-files.js';
import { ensureProcess, type HaproxyProcess } from './haproxy-process.js';
import { prepareDirectories, routerPaths } from './router-paths.js';

/** Starts HAProxy detached, or adopts the one that runs. `binary`: default SHIPLOG_HAPROXY, else found. */
export const ensureHaproxy = (config: PlatformConfig, binary?: string): Promise<HaproxyProcess> =>
  ensureProcess(config, routerPaths(config, process.env), binary);

/** Writes the configuration and its files for a HAProxy that somebody else starts; its path. */
export const renderConfigFile = async (config: PlatformConfig): Promise<string> => {
  const paths = routerPaths(config, process.env);
  await prepareDirectories(paths);
  await ensureStateFiles(paths);
  await writeConfig(config, paths, await readPool(paths));
  return paths.config;
};
