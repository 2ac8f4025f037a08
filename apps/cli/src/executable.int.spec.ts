import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** What of a checkout the executable itself consists of. */
const PARTS = ['shiplog', 'scripts/shiplog.cjs', 'scripts/lib/node-version.cjs'];
const PROGRAM = 'console.log(JSON.stringify(process.argv.slice(2))); process.exit(7);';

const checkout = async (name: string, isBuilt: boolean): Promise<string> => {
  const root = join(await mkdtemp(join(tmpdir(), 'shiplog-exe-')), name);
  await mkdir(join(root, 'apps/cli/dist'), { recursive: true });
  await mkdir(join(root, 'node_modules/commander'), { recursive: true });
  await mkdir(join(root, 'scripts/lib'), { recursive: true });
  for (const part of PARTS) await copyFile(join(ROOT, part), join(root, part));
  if (isBuilt) await writeFile(join(root, 'apps/cli/dist/main.js'), PROGRAM);
  return root;
};

const run = (
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly path?: string } = {},
): Promise<{ code: unknown; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const PATH = options.path ?? process.env['PATH'];
    const env = { ...(PATH !== undefined && { PATH }) };
    execFile(file, [...args], { env, cwd: options.cwd ?? '/' }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

describe('the executable', () => {
  it('passes arguments and exit code on as they are', async () => {
    const root = await checkout('a checkout', true);
    const args = ['run', '--', 'a b', '$HOME', '*', ''];
    const { code, stdout } = await run(join(root, 'shiplog'), args);
    expect([code, JSON.parse(stdout)]).toEqual([7, args]);
  });

  it('works from everywhere, also through links and through PATH', async () => {
    const root = await checkout('checkout', true);
    const bin = await mkdtemp(join(tmpdir(), 'shiplog-bin-'));
    await symlink(join(root, 'shiplog'), join(bin, 'first'));
    await symlink('first', join(bin, 'shiplog'));
    expect((await run(join(bin, 'shiplog'), ['x'])).stdout).toBe('["x"]\n');
    expect((await run('./shiplog', ['x'], { cwd: bin })).stdout).toBe('["x"]\n');
    const path = `${bin}:${process.env['PATH']}`;
    expect((await run('sh', ['-c', 'shiplog x'], { path })).stdout).toBe('["x"]\n');
  });

  it('says what to do when it is not built', async () => {
    const root = await checkout('checkout', false);
    const { code, stderr } = await run(join(root, 'shiplog'), ['ps']);
    expect(code).toBe(1);
    expect(stderr).toContain('Run npm start once');
  });
});
