import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findHaproxy } from './binary.js';
import { FILES } from './file-names.js';
import { renderHaproxy } from './render.js';

const run = promisify(execFile);

/** `haproxy -c` on a configuration beside the empty maps that it names. */
const check = async (write: (path: string) => Promise<void>): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'haproxy-check-'));
  const path = join(directory, FILES.config);
  const maps = Object.values(FILES).filter((name) => name.endsWith('.map'));
  await Promise.all(maps.map((map) => writeFile(join(directory, map), '')));
  await write(path);
  const { stdout } = await run(await findHaproxy(process.env), ['-c', '-f', path]);
  await rm(directory, { recursive: true });
  return stdout;
};

describe('HAProxy itself', () => {
  it('takes the golden configuration', async () => {
    const golden = new URL('golden/haproxy.cfg', import.meta.url);
    expect(await check((path) => copyFile(golden, path))).toContain('valid');
  });

  it('takes IPv6, TCP sockets and a thousand places', async () => {
    const text = renderHaproxy({
      platform: 'p',
      bind: '::1',
      port: 8080,
      runAs: null,
      directory: '/tmp/a "strange" $name\\',
      adminSocket: '127.0.0.1:9999',
      pages: '0',
      pool: { backends: 64, servers: 16 },
    });
    expect(await check((path) => writeFile(path, text))).toContain('valid');
  });
});
