import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { sendLines, startFakeApi, type FakeApi, type Routes } from '../testing/fake-api.js';
import { runCli } from '../testing/run-cli.js';

const witness = {
  name: 'SQL',
  state: 'agrees',
  commits: 40,
  upTo: '00000000000000000040-0000',
  problem: null,
};
const good = {
  kind: 'result',
  ok: true,
  checked: 42,
  firstBad: null,
  head: '00000000000000000042-0000',
  witnesses: [witness],
  resets: [],
};
const bad = {
  ...good,
  ok: false,
  firstBad: { sequence: '00000000000000000007-0000', kind: 'altered', detail: 'other bytes' },
};
const key = Buffer.alloc(32, 7).toString('base64');
const signing = {
  firstKey: key,
  key,
  newest: { number: 3, time: '2026-11-21T11:58:00.000Z', commits: 40 },
  copies: [{ name: '/mnt/witness', number: 2, problem: 'ENOENT' }],
  problem: null,
};

let api: FakeApi;
afterEach(() => api.close());
const run = async (routes: Routes, argv: readonly string[], more: object = {}) => {
  api = await startFakeApi(routes);
  return runCli(argv, { url: api.url, ...more });
};
const telling = (...lines: readonly object[]): Routes => ({
  'GET /v1/audit/verification': (response) => sendLines(response, lines),
});

describe('audit verify', () => {
  it('says that nothing is wrong, and up to where who vouches for it', async () => {
    const progress = { kind: 'progress', checked: 20_000, total: 42_000 };
    const { code, stdout, stderr } = await run(telling(progress, good), ['audit', 'verify'], {
      isTerminal: true,
    });
    expect(code).toBe(0);
    expect(stderr).toContain('checking 20,000 of 42,000 commits');
    expect(stdout).toContain('42 commits, nothing is wrong.');
    expect(stdout).toMatch(/SQL +agrees +40 +0{18}40-0000/);
  });

  it('names the first bad sequence and what happened to it, and fails', async () => {
    const { code, stdout } = await run(telling(bad), ['audit', 'verify']);
    expect(code).toBe(1);
    expect(stdout).toContain('00000000000000000007-0000 is altered: other bytes');
  });

  it('gives the contract with --json', async () => {
    const { code, stdout } = await run(telling(bad), ['audit', 'verify', '--json', '--key', key]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, checked: 42, firstBad: bad.firstBad });
    expect(api.received[0]?.url).toContain(encodeURIComponent(key));
  });

  it('does not know how it ended where the answer broke off', async () => {
    const { code, stderr } = await run(telling(), ['audit', 'verify']);
    expect(code).toBe(7);
    expect(stderr).toContain('without a result');
  });

  it('refuses a key that is none', async () => {
    const { code, stderr } = await run(telling(good), ['audit', 'verify', '--key', 'x']);
    expect(code).toBe(2);
    expect(stderr).toContain('audit key');
  });
});

describe('audit key', () => {
  it('prints the key to pin, and which witness is behind', async () => {
    const { stdout } = await run({ 'GET /v1/audit/key': signing }, ['audit', 'key']);
    expect(stdout).toContain(key);
    expect(stdout).toContain('/mnt/witness: ENOENT');
  });
});

describe('log export', () => {
  const lines = [{ export: { v: 1 } }, { position: '1', commit: {} }, { end: { commits: 1 } }];
  const exporting = (sent: readonly object[]): Routes => ({
    'GET /v1/log/export': (response) => sendLines(response, sent),
  });

  it('writes the lines as they came', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'shiplog-export-'));
    const { code, stdout } = await run(exporting(lines), ['log', 'export', 'log.ndjson'], { cwd });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: '1 commits in log.ndjson. To check them: tools/verify-log log.ndjson\n',
    });
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    expect(await readFile(join(cwd, 'log.ndjson'), 'utf8')).toBe(text);
    await api.close();
    expect((await run(exporting(lines), ['log', 'export'])).stdout).toBe(text);
  });

  it('leaves a file as it was when the log was cut off on its way', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'shiplog-export-'));
    await writeFile(join(cwd, 'log.ndjson'), 'of last month');
    const sent = exporting(lines.slice(0, 2));
    const { code, stderr } = await run(sent, ['log', 'export', 'log.ndjson'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain('cut off');
    expect(await readFile(join(cwd, 'log.ndjson'), 'utf8')).toBe('of last month');
  });
});
