import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, runProgram } from '../support/platform.js';

const MISSING = /^(git|git-man|haproxy|liblua5\S+|libcurl3\S*-gnutls|libopentracing\S*)$/;

const field = (entry: string, name: string): string =>
  new RegExp(`^${name}: (.*)$`, 'm').exec(entry)?.[1] ?? '';

/** The machine's packages as they would be without some, and without all that could not be there then. */
const statusWithout = (entries: readonly string[], missing: RegExp): readonly string[] => {
  let kept = entries.filter((entry) => !missing.test(field(entry, 'Package')));
  for (;;) {
    const names = (text: string): string[] =>
      text.split(/[,|]/).map((part) => /^\s*([^\s:(]+)/.exec(part)?.[1] ?? '');
    const there = new Set(
      kept.flatMap((entry) => names(`${field(entry, 'Package')},${field(entry, 'Provides')}`)),
    );
    const isWhole = (entry: string): boolean =>
      [field(entry, 'Depends'), field(entry, 'Pre-Depends')]
        .flatMap((text) => (text === '' ? [] : text.split(',')))
        .every((clause) => names(clause).some((name) => there.has(name)));
    const next = kept.filter(isWhole);
    if (next.length === kept.length) return kept;
    kept = next;
  }
};

describe('programs unpacked without root', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shiplog-unpacked-'));
    const installed = (await readFile('/var/lib/dpkg/status', 'utf8')).split('\n\n');
    await writeFile(join(folder, 'status'), statusWithout(installed, MISSING).join('\n\n'));
    await writeFile(join(folder, 'apt.conf'), `Dir::State::status "${join(folder, 'status')}";\n`);
    const script = `require(${JSON.stringify(join(ROOT, 'scripts/lib/tools.cjs'))})
      .unpackTools(['git', 'haproxy'], ['git', 'haproxy'])`;
    const unpacking = await runProgram(process.execPath, ['-e', script], {
      env: { ...process.env, XDG_CACHE_HOME: folder, APT_CONFIG: join(folder, 'apt.conf') },
    });
    expect(unpacking.stderr).toBe('');
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const unpacked = (program: string, args: readonly string[]) =>
    runProgram(join(folder, 'shiplog/unpacked/git+haproxy/bin', program), args, {
      cwd: folder,
      // The platform starts them with an environment of its own.
      env: { PATH: '/usr/bin:/bin' },
    });

  it('run with their own libraries, whatever environment they are given', async () => {
    const haproxy = await unpacked('haproxy', ['-vv']);
    expect(haproxy.stdout).toMatch(/^HAProxy version/);
    expect(haproxy.stdout).toContain('Built with Lua');
  });

  it('find their own parts', async () => {
    await unpacked('git', ['init', '--quiet', '--bare', 'to.git']);
    await unpacked('git', ['init', '--quiet', '--initial-branch', 'main', 'from']);
    const inFrom = ['-C', 'from', '-c', 'user.name=T', '-c', 'user.email=t@example.invalid'];
    await unpacked('git', [...inFrom, 'commit', '--quiet', '--allow-empty', '--message', 'first']);
    const pushed = await unpacked('git', [...inFrom, 'push', '--porcelain', '../to.git', 'main']);
    expect(pushed.code).toBe(0);
    const overHttp = await unpacked('git', ['ls-remote', 'http://127.0.0.1:9/x.git']);
    expect(overHttp.stderr).toMatch(/unable to access|Failed to connect/);
  });
});
