import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../support/platform.js';
import { waitFor } from '../support/wait.js';

/** The machine's own rule about services of packages, while `npm start` installs some. */
describe('a policy against services', () => {
  let folder: string;
  let policy: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shiplog-policy-'));
    policy = join(folder, 'policy-rc.d');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Installs something until the file `end` is there; then says what came of it. */
  const install = () => {
    const script = `
      const { withoutServices } = require(${JSON.stringify(join(ROOT, 'scripts/lib/debian.cjs'))});
      const { existsSync, writeFileSync } = require('node:fs');
      process.once('SIGINT', () => writeFileSync('interrupted', ''));
      const work = () => new Promise((done) => {
        writeFileSync('started', '');
        const timer = setInterval(() => existsSync('end') && (clearInterval(timer), done()), 10);
      });
      withoutServices(work, ${JSON.stringify(policy)}).then(() => writeFileSync('done', ''));`;
    const child = spawn(process.execPath, ['-e', script], { cwd: folder, stdio: 'inherit' });
    const ended = new Promise((resolve) =>
      child.once('close', (code, signal) => resolve(signal ?? code)),
    );
    return { child, ended };
  };
  const isThere = (name: string): Promise<void> =>
    waitFor(`${name} to be there`, () => existsSync(join(folder, name)));
  const started = (): Promise<void> => isThere('started');
  const end = (): Promise<void> => writeFile(join(folder, 'end'), '');

  it('is there while packages are installed, and gone afterwards', async () => {
    const { ended } = install();
    await started();
    expect(await readFile(policy, 'utf8')).toContain('exit 101');
    await end();
    expect(await ended).toBe(0);
    expect(existsSync(policy)).toBe(false);
  });

  it('is gone, too, when a person stops the start, once the packages are whole', async () => {
    const { child, ended } = install();
    await started();
    child.kill('SIGINT');
    // Else the installation may be over before the signal is heard.
    await isThere('interrupted');
    await end();
    expect(await ended).toBe('SIGINT');
    expect(existsSync(policy)).toBe(false);
    expect(existsSync(join(folder, 'done'))).toBe(false);
  });

  it('is taken away by the next start when it was left by one that was killed', async () => {
    const first = install();
    await started();
    first.child.kill('SIGKILL');
    await first.ended;
    expect(existsSync(policy)).toBe(true);
    await end();
    expect(await install().ended).toBe(0);
    expect(existsSync(policy)).toBe(false);
  });

  it('stays when it is the machine’s own', async () => {
    await writeFile(policy, '#!/bin/sh\nexit 0\n');
    await end();
    expect(await install().ended).toBe(0);
    expect(await readFile(policy, 'utf8')).toBe('#!/bin/sh\nexit 0\n');
  });
});
