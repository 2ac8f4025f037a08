import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseIgnoreRules, verdict, type IgnoreRules } from './ignore-rules.js';

/** Left out unless a rule takes it in again: what the build makes itself, and what is no source. */
const ALWAYS = parseIgnoreRules('.git\n.hg\n.svn\nnode_modules\n.DS_Store');
const IGNORE_FILES = ['.gitignore', '.shiplogignore'] as const;
/** The builder needs these also where .dockerignore keeps them out of the image. */
const FOR_THE_BUILDER = new Set(['Dockerfile', '.dockerignore', 'Procfile']);

interface Layer {
  /** Directory of the rules, relative to the root, with a slash at its end; empty for the root. */
  readonly prefix: string;
  readonly rules: IgnoreRules;
}

/** Files below a directory that is no git repository, as paths relative to it, in any order. */
export const walk = async (root: string, prefix = ''): Promise<string[]> => {
  const base: Layer[] = [{ prefix, rules: ALWAYS }];
  const docker = await rulesOf(join(root, prefix), '.dockerignore');
  if (docker.length > 0) base.push({ prefix, rules: docker });
  return walkDirectory(root, prefix, base);
};

const walkDirectory = async (
  root: string,
  prefix: string,
  above: readonly Layer[],
): Promise<string[]> => {
  const here = await Promise.all(IGNORE_FILES.map((name) => rulesOf(join(root, prefix), name)));
  const layers = [
    ...above,
    ...here.filter((rules) => rules.length > 0).map((rules) => ({ prefix, rules })),
  ];
  const files: string[] = [];
  for (const entry of await readdir(join(root, prefix), { withFileTypes: true })) {
    const path = `${prefix}${entry.name}`;
    const isDirectory = entry.isDirectory();
    const isKept = prefix === '' && FOR_THE_BUILDER.has(entry.name);
    const isOut = !isKept && isIgnored(layers, path, isDirectory);
    if (!isDirectory) {
      if (!isOut) files.push(path);
    } else if (!isOut) files.push(...(await walkDirectory(root, `${path}/`, layers)));
    else if (mayComeBack(layers, path))
      files.push(...(await walkDirectory(root, `${path}/`, layers)));
  }
  return files;
};

/** The innermost file that speaks of the path decides; what lies in an ignored directory is ignored. */
const isIgnored = (layers: readonly Layer[], path: string, isDirectory: boolean): boolean => {
  const own = ownVerdict(layers, path, isDirectory);
  if (own !== undefined) return own;
  const slash = path.lastIndexOf('/');
  return slash > 0 && isIgnored(layers, path.slice(0, slash), true);
};

const ownVerdict = (
  layers: readonly Layer[],
  path: string,
  isDirectory: boolean,
): boolean | undefined => {
  for (const { prefix, rules } of layers.toReversed()) {
    if (!path.startsWith(prefix)) continue;
    const result = verdict(rules, path.slice(prefix.length), isDirectory);
    if (result !== undefined) return result;
  }
  return undefined;
};

/** Docker, unlike git, lets `!dir/file` take a file out of an ignored directory. */
const mayComeBack = (layers: readonly Layer[], path: string): boolean =>
  path !== 'node_modules' &&
  layers.some(({ rules }) => rules.some(({ isNegated }) => isNegated)) &&
  !/(?:^|\/)(?:\.git|node_modules)$/.test(path);

const rulesOf = async (directory: string, name: string): Promise<IgnoreRules> => {
  const text = await readFile(join(directory, name), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'EISDIR') return '';
      throw error;
    },
  );
  return parseIgnoreRules(text, name === '.dockerignore' ? 'docker' : 'git');
};
