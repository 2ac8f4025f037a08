import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, runProgram, TestPlatform } from '../support/platform.js';

interface Verified {
  readonly ok: boolean;
  readonly checked: number;
  readonly firstBad: { readonly sequence: string; readonly kind: string } | null;
  readonly witnesses: readonly { readonly name: string; readonly state: string }[];
}

const verifyLog = (...args: readonly string[]) =>
  runProgram(process.execPath, [join(ROOT, 'tools/verify-log'), ...args]);

describe('the past', () => {
  let platform: TestPlatform;
  let folder: string;
  let witness: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shiplog-integrity-'));
    witness = join(folder, 'witness');
    await mkdir(witness);
    platform = await TestPlatform.start({
      name: 'integrity',
      // What is put back lies in its home, with the log in it.
      log: 'jetstream',
      env: { SHIPLOG_WITNESS_DIRECTORY: witness },
    });
    for (const app of ['one', 'two', 'three']) await platform.json(['apps', 'create', app]);
  });
  afterAll(async () => {
    await platform.destroy();
    await rm(folder, { recursive: true });
  });

  it('is verified on the platform, and by a stranger with one file and one key', async () => {
    const { firstKey } = await platform.json<{ firstKey: string }>(['audit', 'key']);
    const verified = await platform.json<Verified>(['audit', 'verify', '--key', firstKey]);
    expect(verified).toMatchObject({ ok: true, firstBad: null });
    expect(verified.witnesses.map(({ name }) => name)).toEqual(['SQL', 'file', witness]);

    const file = join(folder, 'log.ndjson');
    await platform.json(['log', 'export', file]);
    const args = ['--key', firstKey, '--witness', witness];
    expect(await verifyLog(file, ...args)).toMatchObject({ code: 0 });
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"name":"two"', '"name":"twe"'));
    const found = await verifyLog(file, '--json', ...args);
    expect(found.code).toBe(1);
    expect(JSON.parse(found.stdout)).toMatchObject({ ok: false, firstBad: { kind: 'altered' } });
  });

  it('cannot be put back: an older copy of everything here is refused, and accepted on purpose only', async () => {
    const stopped = async (): Promise<void> => {
      await platform.stop();
      await platform.killDaemons();
    };
    const older = join(folder, 'older');
    await stopped();
    await cp(platform.home, older, { recursive: true });
    await platform.start();
    await platform.json(['apps', 'create', 'four']);
    await stopped();

    // Log, snapshots, read models, checkpoints: all of before. The witness is elsewhere.
    await rm(platform.home, { recursive: true });
    await cp(older, platform.home, { recursive: true });
    const { code, stdout, stderr } = await platform.startSecond();
    const said = stdout + stderr;
    expect(code, said).toBe(1);
    expect(said).toMatch(/not the one that was sworn to: checkpoint \d+ .*SHIPLOG_ACCEPT_LOG=\d+/s);
    expect(said).toContain(witness);
    const accepted = /SHIPLOG_ACCEPT_LOG=(\d+)/.exec(said)?.[1] ?? '';

    await platform.start(undefined, { SHIPLOG_ACCEPT_LOG: accepted });
    const { ok, resets } = await platform.json<Verified & { resets: unknown[] }>([
      'audit',
      'verify',
    ]);
    expect(ok).toBe(true);
    expect(resets).toMatchObject([{ commits: Number(accepted) }]);
  });
});
