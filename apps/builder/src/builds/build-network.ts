import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findNpm } from '../stack/machine-files.js';

const run = promisify(execFile);

/** How build steps reach the network, told from this machine's own settings. */
export interface BuildNetwork {
  /** The machine's package registry, for build steps only; undefined where nothing is known of it. */
  readonly registry: string | undefined;
  /** Certificates that this machine trusts beside the usual ones, in PEM. */
  readonly certificates: string | undefined;
  /** `host` where the registry listens on this machine's loopback. */
  readonly mode: string | undefined;
  /** Proxies; the engine keeps these names out of images and their history. */
  readonly buildArgs: Readonly<Record<string, string>>;
}

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

/** Asked anew for each build: settings change while the platform runs. */
export const networkOf = async (env: NodeJS.ProcessEnv = process.env): Promise<BuildNetwork> => {
  const { registry, cafile } = await npmSettings();
  const isLocal = registry !== undefined && /^https?:\/\/(localhost|127\.|\[::1\])/.test(registry);
  const proxies = PROXIES.flatMap((name) => {
    const value = env[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  return {
    registry,
    certificates: await readCertificates(cafile ?? env['NODE_EXTRA_CA_CERTS']),
    mode: isLocal ? 'host' : undefined,
    buildArgs: Object.fromEntries(proxies),
  };
};

interface NpmSettings {
  readonly registry?: string;
  readonly cafile?: string;
}

const npmSettings = async (): Promise<NpmSettings> => {
  const npm = await findNpm(process.execPath);
  if (npm === undefined) return {};
  try {
    // From the root directory, so that no project's settings are taken for the machine's.
    const { stdout } = await run(
      process.execPath,
      [join(npm, 'bin/npm-cli.js'), 'config', 'get', 'registry', 'cafile'],
      { cwd: '/', timeout: 15_000 },
    );
    const registry = /^registry=(https?:\/\/[^\s"']+)$/m.exec(stdout)?.[1];
    const cafile = /^cafile=(\/.+)$/m.exec(stdout)?.[1];
    return {
      ...(registry === undefined ? {} : { registry }),
      ...(cafile === undefined ? {} : { cafile }),
    };
  } catch {
    // Without an answer npm's own defaults are as good a guess as any.
    return {};
  }
};

const readCertificates = async (path: string | undefined): Promise<string | undefined> => {
  if (path === undefined) return undefined;
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.includes('BEGIN CERTIFICATE') ? text : undefined;
};
