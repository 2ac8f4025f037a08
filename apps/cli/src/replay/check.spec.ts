import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli, type RunOptions } from '../testing/run-cli.js';

const clean = { at: '00000000000000000042-0000', from: 'tables', documents: 7, failures: [] };
const differences = [
  { model: 'apps', key: 'app-1', field: 'formation.web', old: 1, new: 2 },
  { model: 'domains', key: 'www.example.com', field: null, old: { host: '\u001b[2Jwww' } },
];

/** A checkout whose program says these lines, and tells what it was given. */
const checkout = async (lines: readonly object[], more = ''): Promise<string> => {
  const root = await mkdtemp(join(tmpdir(), 'shiplog-checkout-'));
  const program = join(root, 'apps/api/dist/replay/check-main.js');
  await mkdir(dirname(program), { recursive: true });
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
  await writeFile(program, `process.stdout.write(${JSON.stringify(text)});\n${more}`);
  return join(root, 'shiplog');
};
const check = async (
  lines: readonly object[],
  { argv = [], more = '', ...options }: RunOptions & { argv?: string[]; more?: string } = {},
) =>
  runCli(['replay', 'check', ...argv], {
    url: 'http://127.0.0.1:1',
    executable: await checkout(lines, more),
    ...options,
  });

describe('replay check', () => {
  it('ends with 0 where nothing differs', async () => {
    const run = await check([{ kind: 'result', ...clean, differences: [] }]);
    expect(run).toEqual({
      code: 0,
      stdout: 'No difference in 7 documents at 00000000000000000042-0000.\n',
      stderr: '',
    });
  });

  it('ends with 1 and shows model, key, field, old and new where something does', async () => {
    const run = await check([{ kind: 'result', ...clean, differences }]);
    expect(run.code).toBe(1);
    expect(run.stdout).toBe(
      `apps app-1 formation.web: 1 → 2
domains www.example.com: {"host":"\\u001b[2Jwww"} → (nothing)
2 differences in 7 documents at 00000000000000000042-0000.
`,
    );
    const json = await check([{ kind: 'result', ...clean, differences }], { argv: ['--json'] });
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toEqual({ ...clean, differences });
  });

  it('shows so many and says how many more', async () => {
    const many = Array.from({ length: 250 }, (_, n) => ({ ...differences[0], key: `app-${n}` }));
    const run = await check([{ kind: 'result', ...clean, differences: many }]);
    expect(run.stdout).toContain('… and 50 more: --json\n250 differences');
  });

  it('says what this version cannot make, and what it compared with on a busy platform', async () => {
    const failures = [{ model: 'apps', sequence: clean.at, problem: 'no such event' }];
    const result = { kind: 'result', ...clean, failures, from: 'log', differences: [] };
    const run = await check([result]);
    expect(run.code).toBe(1);
    expect(run.stdout).toContain(`apps cannot be made: at event ${clean.at}: no such event`);
    expect(run.stderr).toContain('The platform is busy');
  });

  it('gives the program the platform and its token by the environment alone', async () => {
    const more =
      'const { SHIPLOG_URL, SHIPLOG_TOKEN, SHIPLOG_HOME } = process.env;' +
      'const message = JSON.stringify([process.argv.length, SHIPLOG_URL, SHIPLOG_TOKEN, SHIPLOG_HOME]);' +
      'console.log(JSON.stringify({ kind: "problem", status: 403, code: "not-administrator", message }));';
    const run = await check([], { more, home: '/nonexistent' });
    expect(run.code).toBe(4);
    const given = '[2,"http://127.0.0.1:1","shp_test","/nonexistent/platform"]';
    expect(run.stderr).toContain(given);
  });

  it('hands on what went wrong, with its exit code', async () => {
    const problem = { kind: 'problem', status: null, message: 'fetch failed' };
    expect((await check([{ ...problem, code: 'unreachable' }])).code).toBe(6);
    const crashed = await check([], { more: 'console.error("so it was"); process.exitCode = 3;' });
    expect(crashed.code).toBe(1);
    expect(crashed.stderr).toContain('the check ended with 3: so it was');
  });

  it('needs a built checkout, and a platform that runs', async () => {
    const url = 'http://127.0.0.1:1';
    const unbuilt = await runCli(['replay', 'check'], { url, executable: '/nonexistent/shiplog' });
    expect(unbuilt.code).toBe(1);
    expect(unbuilt.stderr).toContain('npm run build');
    const none = await runCli(['replay', 'check'], { env: { SHIPLOG_URL: '' } });
    expect(none.code).toBe(6);
    expect(none.stderr).toContain('is running');
  });
});
