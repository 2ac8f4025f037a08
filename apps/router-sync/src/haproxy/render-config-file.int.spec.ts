import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { ask } from '../testing/client.js';
import { removeProxy, testConfig } from '../testing/test-platform.js';
import { ensureHaproxy, renderConfigFile } from './ensure-haproxy.js';
import { masterPid } from './process.js';
import { routerPaths } from '../routes/router-paths.js';

it('renders for a HAProxy to come, and one that runs goes on with it', async () => {
  const config = await testConfig();
  const file = await renderConfigFile(config);
  expect(await readFile(file, 'utf8')).toContain(`bind 127.0.0.1:${config.routerPort}`);
  const { pid } = await ensureHaproxy(config);

  const upgraded = { ...config, bind: '0.0.0.0' };
  await renderConfigFile(upgraded);

  expect(await masterPid(routerPaths(upgraded, {}))).toBe(pid);
  // Not loopback's own address: nobody answered at this one before.
  const elsewhere = `http://127.0.0.2:${config.routerPort}/`;
  expect((await fetch(elsewhere)).status).toBe(404);
  expect(await ask(config.routerPort, { host: 'nobody.localhost' })).toMatchObject({ status: 404 });
  await removeProxy(upgraded);
});
