import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditEntry } from '@shiplog/api-client';
import { CloudEvent } from 'cloudevents';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { entryWriter } from '../audit/export-format.js';
import { sendProblem, startFakeApi, type FakeApi, type Routes } from '../testing/fake-api.js';
import { runCli } from '../testing/run-cli.js';

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

const entry = (change: Partial<AuditEntry> = {}): AuditEntry => ({
  id: '0190-c1',
  sequence: '00000000000000000042-0000',
  time: '2026-11-21T10:00:00.000Z',
  lastTime: '2026-11-21T10:00:00.000Z',
  count: 1,
  outcome: 'done',
  actions: ['ConfigChanged', 'ReleaseCreated'],
  code: null,
  actor: 'ann',
  actorId: 'u1',
  actorKind: 'user',
  token: 'laptop',
  tokenId: 'tok_1',
  address: '192.0.2.7',
  userAgent: 'shiplog/0.1.0 (linux)',
  app: 'shop',
  appId: 'a1',
  target: 'app a1',
  keys: ['DATABASE_URL'],
  reason: 'new keys',
  correlation: '0190-r1',
  causation: null,
  ...change,
});
const refused = entry({
  id: '0190-c2:0.0',
  outcome: 'denied',
  code: 'token-unknown',
  count: 812,
  actions: [],
  actor: null,
  actorId: null,
  actorKind: null,
  token: null,
  tokenId: null,
  app: null,
  appId: null,
  target: null,
  keys: [],
  reason: null,
});

const pages = (...all: AuditEntry[][]): Routes => ({
  'GET /v1/whoami': { platform: 'test' },
  'GET /v1/audit': (response, { url }) => {
    const cursor = new URL(url, 'http://x').searchParams.get('cursor');
    const n = cursor === null ? 0 : Number(cursor.slice(0, 20));
    const next = n + 1 < all.length ? `${String(n + 1).padStart(20, '0')}-0000` : null;
    response
      .writeHead(200, { 'Content-Type': 'application/json' })
      .end(JSON.stringify({ entries: all[n], next }));
  },
});

const run = async (routes: Routes, ...argv: string[]) => {
  api = await startFakeApi(routes);
  return runCli(argv, { url: api.url });
};

describe('shiplog audit', () => {
  it('shows who did what, from where, on what, why, and what was refused', async () => {
    const { code, stdout } = await run(pages([entry()], [refused]), 'audit');
    expect(code).toBe(0);
    const [head, first, second] = stdout.split('\n');
    expect(head).toMatch(/time +who +from +what +on +outcome +why +sequence/);
    expect(first).toMatch(
      /2026-11-21 10:00:00 +ann +laptop 192\.0\.2\.7 shiplog\/0\.1\.0 +ConfigChanged, ReleaseCreated +shop DATABASE_URL +done +new keys +0+42-0000/,
    );
    expect(second).toMatch(/\(unknown\) .*denied: token-unknown \(812 times\)/);
  });

  it('says how many more there were than are listed', async () => {
    const unlisted = entry({ outcome: 'unlisted', count: 1843, actor: null, app: null, keys: [] });
    const { stdout } = await run(pages([unlisted]), 'audit');
    expect(stdout.split('\n')[1]).toMatch(/\(several\) .* unlisted: 1843 more/);
  });

  it('hands its filters to the API, moments as times', async () => {
    const filters = ['--actor', 'ann', '-a', 'shop', '--outcome', 'denied,read', '--since', '2h'];
    await run(pages([]), 'audit', ...filters, '--all', '--oldest-first', '-t', 'scaleApp');
    const query = Object.fromEntries(
      new URL(api?.received[0]?.url ?? '', 'http://x').searchParams.entries(),
    );
    expect(query).toEqual({
      actor: 'ann',
      app: 'shop',
      outcome: 'denied,read',
      since: '2026-11-21T10:00:00.000Z',
      by: 'all',
      order: 'oldest',
      type: 'scaleApp',
      limit: '500',
    });
  });

  it('prints one object per line with --json, from all pages', async () => {
    const { stdout } = await run(pages([entry()], [], [refused]), 'audit', '--json');
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([entry(), refused]);
  });

  it('stops where it was told to, and says where there is more', async () => {
    const many = Array.from({ length: 60 }, (_, i) => entry({ id: `c${i}` }));
    const all = await run(pages(many), 'audit');
    expect(all.stdout.trimEnd().split('\n')).toHaveLength(51);
    expect(all.stderr).toContain('audit export');
    await api?.close();
    const two = await run(pages(many), 'audit', 'list', '-n', '2');
    expect(two.stdout.trimEnd().split('\n')).toHaveLength(3);
  });

  it('refuses what it does not know before it asks', async () => {
    for (const argv of [
      ['--outcome', 'sunny'],
      ['export', '--format', 'xml'],
      ['--since', 'yesterday'],
      ['erase', 'ann'],
    ]) {
      const { code } = await run(pages([]), 'audit', ...argv);
      expect(code).toBe(2);
      expect(api?.received.filter(({ method }) => method !== 'GET')).toEqual([]);
      await api?.close();
    }
  });

  it('erases when it was told twice whom', async () => {
    const routes = { 'POST /v1/audit/erasures': { sequence: 's', userId: 'u1', user: 'ann' } };
    const erase = ['audit', 'erase', 'ann', '--confirm', 'ann', '-m', 'asked to'];
    const { code, stdout } = await run(routes, ...erase);
    expect([code, stdout]).toEqual([0, 'Erased from where ann called.\n']);
    expect(api?.received[0]?.headers['shiplog-reason']).toBe('asked%20to');
    expect(JSON.parse(String(api?.received[0]?.body))).toEqual({ user: 'ann', confirm: 'ann' });
  });
});

describe('shiplog audit export', () => {
  it('writes CSV that a parser of others reads back, whatever is in it', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 });
    fc.assert(
      fc.property(fc.array(fc.record({ reason: text, userAgent: text })), (changes) => {
        const writer = entryWriter('csv', 'test');
        const entries = changes.map((change) => entry(change));
        const csv = [writer.head, ...entries.map(writer.line)].join('');
        const rows: Record<string, string>[] = parse(csv, { columns: true });
        const unescaped = (cell = '') =>
          /^'[=+\-@\t\r\n＝＋－＠]/.test(cell) ? cell.slice(1) : cell;
        expect(rows.map(({ reason }) => unescaped(reason))).toEqual(
          changes.map(({ reason }) => reason),
        );
        expect(rows.map(({ userAgent }) => unescaped(userAgent))).toEqual(
          changes.map(({ userAgent }) => userAgent),
        );
      }),
    );
  });

  it('leaves no cell that a spreadsheet would carry out', () => {
    const writer = entryWriter('csv', 'test');
    for (const reason of [
      '=1+1',
      '+1',
      '-1',
      '@SUM(A1)',
      '\t=1',
      '\r=1',
      '＝1',
      "=cmd|' /C calc'!A0",
    ]) {
      const csv = writer.head + writer.line(entry({ reason }));
      const [row]: Record<string, string>[] = parse(csv, { columns: true });
      expect(row?.['reason']).toBe(`'${reason}`);
    }
    expect(writer.line(entry())).toMatch(/\r\n$/);
  });

  it('writes CloudEvents that the SDK takes', async () => {
    const { stdout } = await run(
      pages([entry({ causation: '0190-c0' }), refused]),
      ...['audit', 'export', '--format', 'cloudevents'],
    );
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => new CloudEvent(JSON.parse(line) as object));
    expect(events.map((event) => event.validate())).toEqual([true, true]);
    expect(events.map(({ type }) => type)).toEqual(['shiplog.audit.done', 'shiplog.audit.denied']);
    expect(events[0]).toMatchObject({ source: '/platforms/test/audit', actor: 'ann' });
    expect(events[0]?.data).toMatchObject({ reason: 'new keys', address: '192.0.2.7' });
  });

  it('leaves a file whole, or as it was', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'shiplog-export-'));
    const file = join(cwd, 'audit.ndjson');
    await writeFile(file, 'of last month');
    api = await startFakeApi(pages([entry()], [refused]));
    const argv = ['audit', 'export', '-o', 'audit.ndjson'];
    const done = await runCli(argv, { url: api.url, cwd });
    expect(done).toMatchObject({ code: 0, stdout: '2 entries in audit.ndjson.\n' });
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([entry(), refused]);
    await api.close();

    await writeFile(file, 'of last month');
    let asked = 0;
    const whole = pages([entry()], [refused]);
    api = await startFakeApi({
      ...whole,
      'GET /v1/audit': (response, request) =>
        (asked += 1) === 1
          ? (whole['GET /v1/audit'] as (r: unknown, q: unknown) => void)(response, request)
          : sendProblem(response, 500, 'internal', 'Something broke.'),
    });
    expect((await runCli(argv, { url: api.url, cwd })).code).toBe(1);
    expect(await readFile(file, 'utf8')).toBe('of last month');
    expect(await readdir(cwd)).toEqual(['audit.ndjson']);
    const nowhere = await runCli(['audit', 'export', '-o', 'no/such/folder'], {
      url: api.url,
      cwd,
    });
    expect(nowhere.code).toBe(1);
    expect(nowhere.stderr).toContain('cannot write');
  });
});
