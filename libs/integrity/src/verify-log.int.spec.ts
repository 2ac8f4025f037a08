import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StoredCommit } from '@shiplog/events/log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chainOf } from './chain.js';
import { sealedLine, type Sealed } from './checkpoint.js';
import { newSigningKey } from './signing-key.js';
import { damageOf, DEEDS, exportText, recordCommits, sealAll } from './testing/index.js';
import { LogVerification, type Verification } from './verification.js';

const PROGRAM = fileURLToPath(new URL('../../../tools/verify-log', import.meta.url));
const WITNESSED = 150;

let folder: string;
let program: string;
let log: readonly StoredCommit[];
let sealed: readonly Sealed[];
let firstKey: string;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shiplog-verify-'));
  // Alone in a folder of its own: it depends on nothing of ours.
  program = join(folder, 'verify-log');
  await copyFile(PROGRAM, program);
  log = await recordCommits(165);
  ({ sealed, firstKey } = sealAll(log.slice(0, WITNESSED)));
});
afterAll(() => rm(folder, { recursive: true }));

type Answer = Verification & { readonly key: string | null; readonly keyPinned: boolean };

const run = (
  ...args: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });

const put = async (bytes: Buffer): Promise<string> => {
  const file = join(folder, `${(files += 1)}.ndjson`);
  await writeFile(file, bytes);
  return file;
};

/** Lines longer than what is read at once: what JSON allows behind a checkpoint. */
const large = (text: Buffer): Buffer => {
  const lines = text.toString('utf8').split('\n');
  const blank = ' '.repeat(5_000_001);
  return Buffer.from(lines.map((line, i) => (i > 0 && i < 5 ? line + blank : line)).join('\n'));
};

const offline = async (bytes: Buffer, ...more: readonly string[]) => {
  const { code, stdout } = await run(await put(bytes), '--json', ...more);
  return { code, answer: JSON.parse(stdout) as Answer };
};

describe('tools/verify-log', () => {
  it('says nothing against a log as it is, and which key vouches for it', async () => {
    const { code, answer } = await offline(exportText(log, sealed), '--key', firstKey);
    expect(code).toBe(0);
    expect(answer).toMatchObject({ ok: true, checked: 165, firstBad: null, keyPinned: true });
    expect(answer.witnesses).toMatchObject([{ state: 'agrees', commits: WITNESSED }]);
  });

  it('finds what the platform itself finds, in the same damaged logs', async () => {
    const compared = Array.from({ length: 4 * DEEDS.length }, async (_, n) => {
      const damage = damageOf(DEEDS, n, log, WITNESSED);
      const verification = new LogVerification({
        witnesses: [{ name: 'the export', isOwn: true, chain: chainOf(sealed) }],
        isDense: true,
      });
      for (const { position, hash, bytes } of damage.log)
        verification.add({ position, hash, bytes });
      const { firstBad } = verification.finish();
      const { code, answer } = await offline(exportText(damage.log, sealed));
      expect({ code, ...answer.firstBad, detail: '' }, damage.what).toEqual({
        code: 1,
        ...firstBad,
        detail: '',
      });
    });
    await Promise.all(compared);
  });

  it('says the same of a large file, which another thread reads', async () => {
    const whole = await offline(large(exportText(log, sealed)), '--key', firstKey);
    expect(whole).toMatchObject({ code: 0, answer: { ok: true, checked: 165 } });
    for (let n = 0; n < 3; n += 1) {
      const damaged = exportText(damageOf(DEEDS, n, log, WITNESSED).log, sealed);
      expect(await offline(large(damaged))).toEqual(await offline(damaged));
    }
    const nothing = await run(folder);
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining('EISDIR')]);
  });

  it('takes a checkpoint that is none for a line that is none, and comes to an end', async () => {
    const [header = '', first = '', ...rest] = exportText(log, sealed).toString('utf8').split('\n');
    const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    for (const [field, value] of [
      ['signature', '1'],
      ['time', nested],
    ] as const) {
      const hostile = first.replace(new RegExp(`"${field}":"[^"]*"`), `"${field}":${value}`);
      const text = Buffer.from([header, hostile, ...rest].join('\n'));
      const { code, answer } = await offline(text);
      expect({ code, ...answer.firstBad }).toMatchObject({ code: 1, kind: 'altered' });
      expect(await offline(large(text))).toEqual({ code, answer });
    }
  });

  it('does not believe checkpoints of another key than the one it is given', async () => {
    const { key } = newSigningKey();
    const { code, answer } = await offline(exportText(log, sealed), '--key', key.publicKey);
    expect(code).toBe(1);
    expect(answer.witnesses).toMatchObject([{ state: 'damaged', commits: 0 }]);
  });

  it('is not content with a log that nothing signed, where it knows the key', async () => {
    const remade = exportText(log, []);
    expect(await offline(remade)).toMatchObject({ code: 0, answer: { ok: true } });
    const { code, answer } = await offline(remade, '--key', firstKey);
    expect({ code, ok: answer.ok, firstBad: answer.firstBad }).toEqual({
      code: 1,
      ok: false,
      firstBad: null,
    });
    expect(answer.witnesses).toMatchObject([
      { state: 'damaged', problem: expect.stringContaining('--key') as string },
    ]);
    const { stdout } = await run(await put(remade), '--key', firstKey);
    expect(stdout).toContain('no checkpoint that begins with the key');
    // Somebody else has what was signed with it.
    const witness = await put(Buffer.from(sealed.map((one) => `${sealedLine(one)}\n`).join('')));
    expect((await offline(remade, '--key', firstKey, '--witness', witness)).code).toBe(0);
  });

  it('is not content with a witness that says nothing, or whose newest lines cannot be read', async () => {
    const lines = sealed.map((one) => `${sealedLine(one)}\n`);
    const last = lines.at(-1) ?? '';
    const torn = last.slice(0, 40);
    const before = lines.slice(0, -1).join('');
    for (const [text, problem] of [
      ['', 'no checkpoint'],
      ['\n\n', 'no checkpoint'],
      [torn, 'no checkpoint'],
      ['nothing\nof that kind\n', 'no checkpoint'],
      [`${before}${torn}\n`, 'cannot be read'],
      [`${before}${torn}\n${torn}`, 'cannot be read'],
      // Cut off by a crash, and given again after it.
      [`${before}${torn}`, null],
      [`${before}${torn}\n${last}`, null],
      [`${before}${torn}\n${last}\n`, null],
    ] as const) {
      const witness = await put(Buffer.from(text));
      const { code, answer } = await offline(exportText(log, sealed), '--witness', witness);
      expect({ code, ok: answer.ok }, text).toEqual({
        code: problem === null ? 0 : 1,
        ok: problem === null,
      });
      expect(answer.witnesses[1], text).toMatchObject({
        state: problem === null ? 'agrees' : 'damaged',
        problem: problem === null ? null : (expect.stringContaining(problem) as string),
      });
    }
  });

  it('holds the log against what a directory elsewhere has seen of it', async () => {
    const directory = join(folder, 'witness');
    await mkdir(directory);
    const file = join(directory, 'checkpoints.ndjson');
    await writeFile(file, sealed.map((one) => `${sealedLine(one)}\n`).join(''));
    const half = sealed.slice(0, Math.floor(sealed.length / 2));
    const older = log.slice(0, half.at(-1)?.checkpoint.total);
    const { code, answer } = await offline(exportText(older, half), '--witness', directory);
    expect(code).toBe(1);
    expect(answer.firstBad?.kind).toBe('rolled back');
    expect((await offline(exportText(log, []), '--witness', directory)).code).toBe(0);
  });

  it('notices a file that was cut off, and a line that is none', async () => {
    const text = exportText(log, []);
    const cut = await offline(text.subarray(0, text.length - 400));
    expect(cut.answer.firstBad?.kind).toMatch(/truncated|altered/);
    const torn = Buffer.from(text.toString('utf8').replace('"commit":{', '"commit"\n:{'));
    expect((await offline(torn)).answer.firstBad).toMatchObject({
      sequence: '00000000000000000001-0000',
      kind: 'altered',
    });
  });

  it('explains itself, and what was wrong with its arguments', async () => {
    expect(await run('--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--witness') as string,
    });
    expect(await run()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('which FILE?') as string,
    });
    expect(await run('--frob')).toMatchObject({ code: 2 });
    expect(await run(join(folder, 'nowhere'))).toMatchObject({ code: 2 });
    const { stdout, code } = await run(await put(exportText(log, sealed)));
    expect({ stdout, code }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('165 commits') as string,
    });
  });
});
