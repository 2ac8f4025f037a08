import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findHaproxy } from './binary.js';
import { FILES, LUA_FILES } from './file-names.js';
import { renderHaproxy } from './render.js';

const run = promisify(execFile);

/** `haproxy -c` on a configuration beside the empty maps that it names. */
const check = async (write: (path: string) => Promise<void>, name = 'plain'): Promise<string> => {
  const parent = await mkdtemp(join(tmpdir(), 'haproxy-check-'));
  const directory = join(parent, name);
  await mkdir(directory);
  const path = join(directory, FILES.config);
  const maps = Object.values(FILES).filter((name) => name.endsWith('.map'));
  await Promise.all(maps.map((map) => writeFile(join(directory, map), '')));
  for (const lua of LUA_FILES) {
    await copyFile(new URL(`../../haproxy/${lua}`, import.meta.url), join(directory, lua));
  }
  await write(path);
  const { stdout } = await run(await findHaproxy(process.env), ['-c', '-V', '-f', path]);
  await rm(parent, { recursive: true });
  return stdout;
};

describe('HAProxy itself', () => {
  it('takes the golden configuration', async () => {
    const golden = await readFile(new URL('golden/haproxy.cfg', import.meta.url), 'utf8');
    const here = (path: string) =>
      writeFile(path, golden.replaceAll('/var/lib/shiplog/router', dirname(path)));
    expect(await check(here)).toContain('valid');
  });

  it('takes IPv6, TCP sockets and a thousand places', async () => {
    const here = (path: string) =>
      writeFile(
        path,
        renderHaproxy({
          platform: 'p',
          bind: '::1',
          port: 8080,
          runAs: null,
          directory: dirname(path),
          adminSocket: '127.0.0.1:9999',
          beside: '0',
          pool: { backends: 64, servers: 16, h2Servers: 4, ports: [32_100, 32_101] },
          tls: { port: 8443, list: '/dev/null' },
          platformHost: { domain: 'paas.example.com', apiPort: 4600 },
        }),
      );
    expect(await check(here, 'a "strange" $name\\')).toContain('valid');
  });
});
