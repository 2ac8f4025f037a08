import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findNpm } from '../stack/machine-files.js';

const run = promisify(execFile);

/** How build steps reach the network, told from this machine's own settings. */
export interface BuildNetwork {
  /** The machine's package registry, for build steps only; undefined where it is npm's default. */
  readonly registry: string | undefined;
  /** `host` where the registry listens on this machine's loopback. */
  readonly mode: string | undefined;
  /** Proxies; the engine keeps these names out of images and their history. */
  readonly buildArgs: Readonly<Record<string, string>>;
}

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

/** Asked anew for each build: settings change while the platform runs. */
export const networkOf = async (env: NodeJS.ProcessEnv = process.env): Promise<BuildNetwork> => {
  const registry = await npmRegistry();
  const isLocal = registry !== undefined && /^https?:\/\/(localhost|127\.|\[::1\])/.test(registry);
  const proxies = PROXIES.flatMap((name) => {
    const value = env[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  return {
    registry,
    mode: isLocal ? 'host' : undefined,
    buildArgs: Object.fromEntries(proxies),
  };
};

const npmRegistry = async (): Promise<string | undefined> => {
  const npm = await findNpm(process.execPath);
  if (npm === undefined) return undefined;
  try {
    // From the root directory, so that no project's settings are taken for the machine's.
    const { stdout } = await run(
      process.execPath,
      [join(npm, 'bin/npm-cli.js'), 'config', 'get', 'registry'],
      { cwd: dirname('/'), timeout: 15_000 },
    );
    const registry = stdout.trim();
    return /^https?:\/\/[^\s"']+$/.test(registry) ? registry : undefined;
  } catch {
    // Without an answer npm's own default is as good a guess as any.
    return undefined;
  }
};
