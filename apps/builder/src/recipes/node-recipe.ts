import type { ProcessSpec } from '@shiplog/events';
import type { SourceFacts } from '../sources/source-facts.js';
import { SourceRefusedError } from '../sources/source-refused.js';
import { toArgv } from './command.js';
import { readLock, type LockFacts } from './native-modules.js';
import { hasDependencies, parsePackageManifest, type PackageManifest } from './package-manifest.js';

/** `npm-unlocked` has no lock file: npm picks versions anew. */
export type Installer = 'npm' | 'npm-unlocked' | 'yarn' | 'pnpm8' | 'pnpm9';

export interface NodeRecipe {
  readonly kind: 'node';
  readonly processes: Readonly<Record<string, ProcessSpec>>;
  /** `engines.node`; null where any version will do. */
  readonly engines: string | null;
  readonly installer: Installer;
  /**
   * What the install step sees: only the manifests, so that its layer lasts as long as they do; the
   * whole source where install scripts or linked directories may need it; or there is none.
   */
  readonly installFrom: 'manifests' | 'source' | 'nothing';
  /** Files of the root that the install step sees. */
  readonly manifests: readonly string[];
  readonly runsBuildScript: boolean;
  /** There are development dependencies to take out again. */
  readonly prunes: boolean;
  /** A compiler is probably needed. */
  readonly compiles: boolean;
  readonly warnings: readonly string[];
}

const LOCK_FILES = ['npm-shrinkwrap.json', 'package-lock.json', 'pnpm-lock.yaml', 'yarn.lock'];
const MANIFESTS = ['package.json', ...LOCK_FILES, '.npmrc', '.yarnrc', 'pnpm-workspace.yaml'];
const ROOT_INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepublish', 'prepare'];

export const nodeRecipe = (
  manifestText: string,
  facts: SourceFacts,
  procfile: Readonly<Record<string, ProcessSpec>> | undefined,
): NodeRecipe => {
  const manifest = parsePackageManifest(manifestText);
  const runsBuildScript = hasScript(manifest, 'build');
  const installer = installerOf(facts);
  const lock = readLock(lockText(facts) ?? '{}');
  const needsSource = installNeedsSource(manifest, facts, lock);
  // A lock file without dependencies is installed, too: what does not fit is found out now.
  const installs = hasDependencies(manifest) || needsSource || installer !== 'npm-unlocked';
  const web = () => ({ command: [...startCommand(manifest, facts, runsBuildScript)] });
  return {
    kind: 'node',
    processes: procfile ?? { web: web() },
    engines: manifest.engines['node'] ?? null,
    installer,
    installFrom: !installs ? 'nothing' : needsSource ? 'source' : 'manifests',
    manifests: MANIFESTS.filter((name) => facts.files.has(name)),
    runsBuildScript,
    prunes: installs && (Object.keys(manifest.devDependencies).length > 0 || needsSource),
    compiles: installs && (facts.files.has('binding.gyp') || lock.compiles),
    warnings: [...sourceWarnings(facts, installer, installs), ...procfileWarnings(procfile)],
  };
};

/** Scripts and directories of the source itself take part in the installation. */
const installNeedsSource = (
  manifest: PackageManifest,
  { files }: SourceFacts,
  { linksSource }: LockFacts,
): boolean =>
  linksSource ||
  files.has('binding.gyp') ||
  files.has('pnpm-workspace.yaml') ||
  manifest.workspaces !== undefined ||
  ROOT_INSTALL_SCRIPTS.some((script) => hasScript(manifest, script)) ||
  dependsOnDirectory(manifest);

const hasScript = (manifest: PackageManifest, name: string): boolean =>
  (manifest.scripts[name] ?? '').trim() !== '';

const lockText = ({ texts }: SourceFacts): string | undefined =>
  texts.get('npm-shrinkwrap.json') ?? texts.get('package-lock.json');

const installerOf = (facts: SourceFacts): Installer => {
  if (lockText(facts) !== undefined) return 'npm';
  const pnpm = facts.texts.get('pnpm-lock.yaml');
  if (pnpm !== undefined) return pnpmOf(pnpm);
  const yarn = facts.texts.get('yarn.lock');
  if (yarn === undefined) return 'npm-unlocked';
  if (!yarn.includes('__metadata:')) return 'yarn';
  throw new SourceRefusedError(
    'yarn.lock was written by Yarn 2 or newer, which is not supported.',
    'Commit a package-lock.json (npm), a pnpm-lock.yaml or a yarn.lock of Yarn 1, or use a Dockerfile.',
  );
};

const pnpmOf = (lock: string): Installer => {
  const version = /^lockfileVersion:\s*['"]?(\d+)/m.exec(lock)?.[1];
  if (version === '6') return 'pnpm8';
  if (version === '9') return 'pnpm9';
  throw new SourceRefusedError(
    `pnpm-lock.yaml has lockfileVersion ${version ?? 'unknown'}; 6 and 9 are supported.`,
    'Write it again with pnpm 8 or newer.',
  );
};

const dependsOnDirectory = (manifest: PackageManifest): boolean =>
  [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies]
    .flatMap((group) => Object.values(group))
    .some((range) => /^(file:|link:|\.|\/|workspace:)/.test(range));

/** What `npm start` would do, without npm between the platform's signals and the app. */
const startCommand = (
  manifest: PackageManifest,
  { files }: SourceFacts,
  runsBuildScript: boolean,
): readonly string[] => {
  const start = manifest.scripts['start']?.trim() ?? '';
  if (start !== '') return needsNpmToStart(manifest, start) ? ['npm', 'start'] : toArgv(start);
  if (files.has('server.js')) return ['node', 'server.js'];
  const { main } = manifest;
  // Where a build script runs, the file may be made by it.
  if (main !== undefined && (runsBuildScript || isThere(main, files))) return ['node', '.'];
  if (files.has('index.js')) return ['node', 'index.js'];
  throw noStartCommand(main);
};

const needsNpmToStart = (manifest: PackageManifest, start: string): boolean =>
  start.includes('npm_') || hasScript(manifest, 'prestart') || hasScript(manifest, 'poststart');

const noStartCommand = (main: string | undefined): SourceRefusedError =>
  new SourceRefusedError(
    main === undefined
      ? 'Nothing says how to start the app: no Procfile, no "start" script and no "main" in package.json, no server.js.'
      : `Nothing says how to start the app: no Procfile, no "start" script in package.json, and its "main" (${main.slice(0, 100)}) is not in the source.`,
    'Add a "start" script to package.json, for example "node app.js", or a Procfile with the line "web: node app.js".',
  );

const isThere = (main: string, files: ReadonlySet<string>): boolean => {
  const path = main.replace(/^\.\//, '').replace(/\/$/, '');
  return ['', '.js', '.cjs', '.mjs', '.json', '/index.js'].some((end) =>
    files.has(`${path}${end}`),
  );
};

const sourceWarnings = (
  { files }: SourceFacts,
  installer: Installer,
  installs: boolean,
): readonly string[] => {
  const warnings: string[] = [];
  if (installer === 'npm-unlocked' && installs) {
    warnings.push(
      'There is no lock file: versions are picked anew at each build. Commit package-lock.json to get the same ones.',
    );
  }
  if (LOCK_FILES.filter((name) => files.has(name)).length > 1) {
    warnings.push(`There is more than one lock file: ${installer.replace(/\d$/, '')} installs.`);
  }
  if ([...files].some((name) => name.startsWith('node_modules/'))) {
    warnings.push('node_modules is in the source and left out: dependencies are installed here.');
  }
  return warnings;
};

const procfileWarnings = (
  procfile: Readonly<Record<string, ProcessSpec>> | undefined,
): readonly string[] => {
  if (procfile === undefined) return [];
  const warnings: string[] = [];
  if (!('web' in procfile)) {
    warnings.push('The Procfile has no "web" process: this app will get no requests.');
  }
  return warnings;
};
