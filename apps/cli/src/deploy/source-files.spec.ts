import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { createArchive } from './archive.js';
import { readSourceTree } from './source-files.js';

const directoryOf = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const root = await mkdtemp(join(tmpdir(), 'shiplog-source-'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
};
const git = (cwd: string, ...args: string[]): void => {
  const identity = [
    '-c',
    'user.name=t',
    '-c',
    'user.email=t@example.com',
    '-c',
    'commit.gpgsign=false',
  ];
  execFileSync('git', [...identity, ...args], { cwd, stdio: 'pipe' });
};
const pathsOf = async (root: string): Promise<string[]> =>
  (await readSourceTree('.', root)).entries.map(({ path }) => path);

describe('the source of a directory without git', () => {
  it('is all that no ignore file leaves out, sorted', async () => {
    const root = await directoryOf({
      'server.js': '',
      'a.log': '',
      '.gitignore': '*.log\n/secret\n',
      'secret/key': '',
      'src/secret/ok': '',
      'src/.gitignore': '!keep.log',
      'src/keep.log': '',
      'node_modules/x/index.js': '',
      'src/node_modules/y.js': '',
      '.env': 'kept: nobody said otherwise',
    });
    expect(await pathsOf(root)).toEqual([
      '.env',
      '.gitignore',
      'server.js',
      'src/.gitignore',
      'src/keep.log',
      'src/secret/ok',
    ]);
  });

  it('leaves out what .dockerignore and .shiplogignore name, but never what the builder needs', async () => {
    const root = await directoryOf({
      Dockerfile: '',
      '.dockerignore': 'Dockerfile\ndocs\n!docs/keep.md\n',
      '.shiplogignore': 'big.bin',
      'docs/a.md': '',
      'docs/keep.md': '',
      'big.bin': '',
    });
    expect(await pathsOf(root)).toEqual([
      '.dockerignore',
      '.shiplogignore',
      'Dockerfile',
      'docs/keep.md',
    ]);
  });

  it('keeps links, but none that leads out', async () => {
    const root = await directoryOf({ 'a.txt': 'a', 'sub/b.txt': 'b' });
    await symlink('a.txt', join(root, 'inside'));
    await symlink('../a.txt', join(root, 'sub/up'));
    await symlink('/etc/passwd', join(root, 'absolute'));
    await symlink('../../etc', join(root, 'sub/out'));
    const tree = await readSourceTree('.', root);
    expect(tree.entries.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      'file a.txt',
      'link inside',
      'file sub/b.txt',
      'link sub/up',
    ]);
    expect(tree.leftOut).toEqual([
      'absolute: a link that leads out of the directory (/etc/passwd)',
      'sub/out: a link that leads out of the directory (../../etc)',
    ]);
  });

  it.each(['no-such-directory', 'a.txt'])('is refused for %s', async (name) => {
    const root = await directoryOf({ 'a.txt': '' });
    await expect(readSourceTree(name, root)).rejects.toThrow(`${name} is not a directory`);
  });

  it('is refused when it is empty', async () => {
    await expect(readSourceTree('.', await directoryOf({}))).rejects.toThrow(
      'holds nothing to deploy',
    );
  });
});

describe('the source of a git repository', () => {
  it('is what git tracks or would track, as it is on disk', async () => {
    const root = await directoryOf({
      '.gitignore': 'ignored\n',
      'tracked.js': '1',
      'gone.js': '',
      ignored: '',
      'space and ü.txt': '',
    });
    git(root, 'init', '-q', '-b', 'main');
    git(root, 'add', '.');
    git(root, 'commit', '-qm', 'x');
    await rm(join(root, 'gone.js'));
    await writeFile(join(root, 'new.js'), '');
    const tree = await readSourceTree('.', root);
    expect(tree.entries.map(({ path }) => path)).toEqual([
      '.gitignore',
      'new.js',
      'space and ü.txt',
      'tracked.js',
    ]);
    expect([tree.commit, tree.branch]).toEqual([null, null]);
  });

  it('names commit and branch only when it is exactly that commit', async () => {
    const root = await directoryOf({ 'a.js': '1', 'sub/b.js': '2' });
    git(root, 'init', '-q', '-b', 'main');
    git(root, 'add', '.');
    git(root, 'commit', '-qm', 'x');
    const whole = await readSourceTree('.', root);
    expect(whole.commit).toMatch(/^[0-9a-f]{40}$/);
    expect(whole.branch).toBe('main');
    const part = await readSourceTree('sub', root);
    expect(part.entries.map(({ path }) => path)).toEqual(['b.js']);
    expect(part.commit).toBeNull();
  });
});

describe('the archive', () => {
  const read = async (root: string, gzip = false) => {
    const archive = createArchive(await readSourceTree('.', root), { gzip });
    const hash = createHash('sha256');
    archive.on('data', (chunk: Buffer) => hash.update(chunk));
    const entries: [Header, string][] = [];
    const reader = extract();
    reader.on('entry', (header, stream, next) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk) => chunks.push(chunk as Buffer));
      stream.on('end', () => {
        entries.push([header, Buffer.concat(chunks).toString()]);
        next();
      });
    });
    await pipeline(archive, reader);
    return { entries, digest: hash.digest('hex') };
  };

  it('holds contents, the executable bit and links, and nobody’s name', async () => {
    const root = await directoryOf({ 'run.sh': 'echo hi', 'big.txt': 'x'.repeat(300_000) });
    await chmod(join(root, 'run.sh'), 0o700);
    await symlink('run.sh', join(root, 'start'));
    const { entries } = await read(root);
    expect(
      entries.map(([{ name, mode, type, linkname }, text]) => [
        name,
        mode,
        type,
        linkname ?? null,
        text.length,
      ]),
    ).toEqual([
      ['big.txt', 0o644, 'file', null, 300_000],
      ['run.sh', 0o755, 'file', null, 7],
      ['start', 0o777, 'symlink', 'run.sh', 0],
    ]);
    expect(entries.every(([{ uid, gid, uname }]) => uid === 0 && gid === 0 && uname === '')).toBe(
      true,
    );
  });

  it('is the same for the same files, whenever they were written', async () => {
    const files = { 'a.js': '1', 'b/c.js': '2' };
    const [one, two] = await Promise.all([directoryOf(files), directoryOf(files)]);
    expect((await read(one)).digest).toBe((await read(two)).digest);
  });

  it('names the file that cannot be read', async () => {
    const root = await directoryOf({ 'a.js': '1' });
    const tree = await readSourceTree('.', root);
    await rm(join(root, 'a.js'));
    const reading = pipeline(createArchive(tree, { gzip: true }), extract());
    await expect(reading).rejects.toThrow('cannot read a.js');
  });
});
