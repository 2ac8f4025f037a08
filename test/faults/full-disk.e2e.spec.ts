import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine } from '@shiplog/engine';
import { callApi } from '../support/api.js';
import { makeNoShellImage } from '../support/apps/no-shell/image.js';
import { runProgram, TestPlatform } from '../support/platform.js';
import { waitFor } from '../support/wait.js';

const IMAGE = ['shiplog-test/full-disk', 'one'] as const;
const DISK_MEGABYTES = 200;

/** Needs root: the home of the platform is a small file system of its own. */
describe('a full disk', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    await makeNoShellImage(connectEngine(), ...IMAGE);
    platform = await TestPlatform.create({ name: 'full' });
    await must('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MEGABYTES}m`, 'tmpfs', platform.home]);
    await platform.start();
    await platform.json(['apps', 'create', 'hello']);
    await platform.json(['deploy', '-a', 'hello', '--image', IMAGE.join(':')]);
  });
  afterAll(async () => {
    await platform.kill();
    await platform.killDaemons();
    await must('umount', ['--lazy', platform.home]);
    await platform.destroy();
  });

  const filler = (): string => join(platform.home, 'filler');
  const setConfig = (value: string) =>
    callApi(platform, 'PATCH', '/v1/apps/hello/config', { body: { set: { KEY: value } } });

  const valueOfKey = async (): Promise<string> =>
    (await platform.json<{ value: string }>(['config', 'get', '-a', 'hello', 'KEY'])).value;

  it('refuses changes with a reason, serves on, loses nothing, and takes changes when there is room', async () => {
    let taken = 'before';
    await platform.json(['config', 'set', '-a', 'hello', `KEY=${taken}`]);
    await fill(filler());
    // What still fits may be taken, and is then kept; what was acknowledged is never lost.
    let tries = 0;
    let slowestMs = 0;
    await waitFor('a change to be refused', async () => {
      const value = `try-${(tries += 1)}`;
      const askedAt = performance.now();
      const { status } = await setConfig(value);
      slowestMs = Math.max(slowestMs, performance.now() - askedAt);
      if (status < 300) taken = value;
      return status === 503;
    });

    expect(slowestMs).toBeLessThan(5_000);
    const refused = await setConfig('never');
    expect(refused.status).toBe(503);
    expect(String(refused.body['detail'])).toMatch(/disk is full.*free space there/);
    const cli = await platform.cli(['config', 'set', '-a', 'hello', 'KEY=never']);
    expect(cli.code).toBe(6);
    expect(cli.stderr).toMatch(/disk is full/);
    expect((await fetch(`${platform.apiUrl}/readyz`)).status).toBe(503);
    expect((await fetch(`${platform.apiUrl}/healthz`)).status).toBe(200);
    expect((await platform.get('hello')).status).toBe(200);
    const upload = await callApi(platform, 'POST', '/v1/apps/hello/sources', {
      bytes: tarOf(1024 * 1024),
      headers: { 'content-type': 'application/x-tar' },
    });
    expect([503, 507]).toContain(upload.status);
    const { stdout } = await platform.cli(['--json', 'doctor']);
    expect(stdout).toMatch(/disk is full/);
    // Queries answer, though their rows cannot be written now.
    expect(['before', taken]).toContain(await valueOfKey());

    await rm(filler());
    await waitFor('what was acknowledged to be there', async () => (await valueOfKey()) === taken);
    await waitFor('changes to be taken again', async () => (await setConfig('after')).status < 300);
    await waitFor('the platform to be ready', async () => {
      const { ok } = await fetch(`${platform.apiUrl}/readyz`);
      return ok;
    });
    await waitFor('the release to be live', async () => {
      const [container] = (await platform.containers('hello')).filter(
        ({ State }) => State === 'running',
      );
      const running = await connectEngine()
        .getContainer(container?.Id ?? '')
        .inspect();
      return running.Config.Env.includes('KEY=after');
    });
    expect((await platform.get('hello')).status).toBe(200);
  });

  it('is told by a start that it keeps from starting, and the next one has everything', async () => {
    await platform.kill();
    await platform.killDaemons();
    // Now, and not before: a process that ends gives back the room of files that it had deleted.
    await fill(filler());
    const said = await platform.start().then(
      () => 'it started',
      (error: unknown) => String(error),
    );
    expect(said).toMatch(new RegExp(`the disk of ${platform.home} is full. Free space there`));
    await platform.kill();
    await rm(filler());
    await platform.start();
    expect((await platform.get('hello')).status).toBe(200);
    expect(await valueOfKey()).toBe('after');
    await platform.json(['config', 'set', '-a', 'hello', 'KEY=again']);
  });
});

const must = async (program: string, args: readonly string[]): Promise<void> => {
  const { code, stderr } = await runProgram(program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
};

/** Takes what is left of the disk, to the last byte. */
const fill = async (path: string): Promise<void> => {
  const file = await open(path, 'w');
  try {
    for (const size of [1024 * 1024, 4096, 1]) await writeUntilFull(file, Buffer.alloc(size, 1));
  } finally {
    await file.close();
  }
};

const writeUntilFull = async (
  file: Awaited<ReturnType<typeof open>>,
  chunk: Buffer,
): Promise<void> => {
  try {
    for (;;) await file.appendFile(chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
};

/** An archive of one file of zeros. */
const tarOf = (bytes: number): Buffer => {
  const header = Buffer.alloc(512);
  header.write('zeros', 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        0', 148);
  header.write('ustar\0' + '00', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, Buffer.alloc(bytes), Buffer.alloc(1024)]);
};
