import { describe, expect, it } from 'vitest';
import { recipeOf, type Recipe } from './detect.js';

const sourceOf = (texts: Readonly<Record<string, string>>) => ({
  files: new Set(Object.keys(texts)),
  texts: new Map(Object.entries(texts)),
});
const detect = (texts: Readonly<Record<string, string>>): Recipe => recipeOf(sourceOf(texts));
const node = (manifest: object, more: Readonly<Record<string, string>> = {}) => {
  const recipe = detect({ 'package.json': JSON.stringify(manifest), ...more });
  if (recipe.kind !== 'node') throw new Error('not a Node.js app');
  return recipe;
};
const started = { scripts: { start: 'node app.js' } };
const lockOf = (packages: object) => ({
  'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages }),
});

describe('the kind of a source', () => {
  it('is told by a Dockerfile before anything else', () => {
    expect(detect({ Dockerfile: 'FROM scratch', 'package.json': '{}' })).toEqual({
      kind: 'dockerfile',
      processes: { web: { command: null } },
      stacks: [],
    });
  });

  it('a Dockerfile may name base images of ours, and a Procfile more processes', () => {
    const recipe = detect({
      Dockerfile: 'FROM shiplog-stack/node:20 AS build\nFROM shiplog-stack/node\n',
      Procfile: 'worker: node w.js',
    });
    expect(recipe).toMatchObject({
      processes: { web: { command: null }, worker: { command: ['node', 'w.js'] } },
      stacks: ['node', 'node'],
    });
    const copied = detect({
      Dockerfile:
        'FROM --platform=linux/amd64 shiplog-stack/node\nCOPY --chown=0 --from=shiplog-stack/node-compilers:20 /a /a\n',
    });
    expect(copied).toMatchObject({ stacks: ['node', 'node-compilers'] });
  });

  it('is refused where nothing tells it, with what was looked for', () => {
    expect(() => detect({ 'main.py': '' })).toThrow(/neither a Dockerfile nor a package.json/);
    expect(() => detect({})).toThrow(/The source is empty/);
    const linked = { files: new Set(['package.json', 'a.json']), texts: new Map<string, string>() };
    expect(() => recipeOf(linked)).toThrow(/package.json is a link/);
    const remedyOf = (texts: Readonly<Record<string, string>>): unknown => {
      try {
        return detect(texts);
      } catch (error) {
        return (error as { remedy?: unknown }).remedy;
      }
    };
    expect(remedyOf({ 'app/package.json': '' })).toContain('app/package.json');
    expect(remedyOf({ dockerfile: '' })).toContain('name it exactly Dockerfile');
  });
});

describe('a Node.js app', () => {
  it('is started by its Procfile, else as npm would', () => {
    expect(node(started, { Procfile: 'web: node other.js' }).processes).toEqual({
      web: { command: ['node', 'other.js'] },
    });
    expect(node(started).processes).toEqual({ web: { command: ['node', 'app.js'] } });
    expect(node({}, { 'server.js': '' }).processes['web']?.command).toEqual(['node', 'server.js']);
    expect(node({ main: './lib' }, { 'lib/index.js': '' }).processes['web']?.command).toEqual([
      'node',
      '.',
    ]);
    const built = { main: 'dist/a.js', scripts: { build: 'tsc' } };
    expect(node(built).processes['web']?.command).toEqual(['node', '.']);
  });

  it('keeps npm where the start script needs it', () => {
    const scripts = { prestart: 'node migrate.js', start: 'node app.js' };
    expect(node({ scripts }).processes['web']?.command).toEqual(['npm', 'start']);
  });

  it('is refused where nothing says how it starts', () => {
    expect(() => node({})).toThrow(/no Procfile, no "start" script/);
    expect(() => node({ main: 'gone.js' })).toThrow(/"main" \(gone.js\) is not in the source/);
  });

  it('is refused where package.json cannot be read', () => {
    expect(() => detect({ 'package.json': '{' })).toThrow(/package.json is not JSON/);
    expect(() => detect({ 'package.json': '[]' })).toThrow(/not a JSON object/);
  });

  it('installs from its manifests alone, so that they decide whether it is done again', () => {
    const recipe = node({ ...started, dependencies: { ms: '2' } }, lockOf({}));
    expect(recipe).toMatchObject({
      installer: 'npm',
      installFrom: 'manifests',
      manifests: ['package.json', 'package-lock.json'],
      prunes: false,
      compiles: false,
      warnings: [],
    });
  });

  it.each([
    ['scripts of its own', { ...started, scripts: { start: 'a', postinstall: 'node x.js' } }, {}],
    ['workspaces', { ...started, workspaces: ['packages/*'] }, {}],
    ['directories', { ...started, dependencies: { lib: 'file:./lib' } }, {}],
    ['a native module of its own', started, { 'binding.gyp': '' }],
    ['linked packages', started, lockOf({ 'node_modules/a': { link: true } })],
  ])('installs from the whole source where it has %s', (_, manifest, more) => {
    expect(node(manifest, more).installFrom).toBe('source');
  });

  it('installs nothing where there is nothing to install', () => {
    expect(node(started).installFrom).toBe('nothing');
  });

  it('takes development dependencies out again', () => {
    expect(node({ ...started, devDependencies: { typescript: '6' } }, lockOf({})).prunes).toBe(
      true,
    );
  });

  it('expects to compile what has install scripts, except where that is known not to', () => {
    const compiles = (path: string, more: object = {}) =>
      node(
        { ...started, dependencies: { x: '1' } },
        lockOf({ [path]: { hasInstallScript: true, ...more } }),
      ).compiles;
    expect(compiles('node_modules/better-sqlite3')).toBe(true);
    expect(compiles('node_modules/a/node_modules/bcrypt')).toBe(true);
    expect(compiles('node_modules/esbuild')).toBe(false);
    expect(compiles('node_modules/fsevents', { os: ['darwin'] })).toBe(false);
    expect(compiles('')).toBe(false);
  });

  it('is installed by what wrote its lock file', () => {
    const withDependency = { ...started, dependencies: { ms: '2' } };
    expect(node(withDependency, { 'yarn.lock': '# yarn lockfile v1' }).installer).toBe('yarn');
    expect(node(withDependency, { 'pnpm-lock.yaml': "lockfileVersion: '9.0'" }).installer).toBe(
      'pnpm9',
    );
    expect(node(withDependency).warnings[0]).toMatch(/no lock file/);
    expect(() => node(withDependency, { 'yarn.lock': '__metadata:\n' })).toThrow(/Yarn 2/);
    expect(() => node(withDependency, { 'pnpm-lock.yaml': 'lockfileVersion: 5.4' })).toThrow(
      /lockfileVersion 5/,
    );
  });
});
