import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failuresOf, startLoad } from '../support/load.js';
import { TestPlatform } from '../support/platform.js';
import { PublicPlatform } from '../support/public-platform.js';
import { deployed, type Repository } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

/**
 * A slice. All of it: SHIPLOG_ROUTER=nginx node scripts/test.cjs e2e under-load control-plane-dead companions https
 */
describe('a platform that routes with Nginx', () => {
  let platform: TestPlatform;
  let repository: Repository;
  beforeAll(async () => {
    platform = await TestPlatform.start({ name: 'edge', env: { SHIPLOG_ROUTER: 'nginx' } });
    repository = await deployed(platform, 'ledger', 'ledger');
    // Open streams would hold every old instance for the whole drain time.
    await platform.json(['settings', 'set', '-a', 'ledger', 'drain=2']);
  });
  afterAll(async () => {
    await repository.remove();
    await platform.destroy();
  });

  it('scales and deploys under load without a failed request', async () => {
    expect(await platform.daemons(/haproxy/)).toEqual([]);
    const load = await startLoad(platform, 'ledger');
    await platform.json(['scale', '-a', 'ledger', 'web=2']);
    await platform.json(['config', 'set', '-a', 'ledger', 'COLOUR=green']);
    const report = await load.stop();
    expect(await failuresOf(platform, 'ledger', report)).toEqual([]);
    expect(Object.keys(report.instances).length).toBeGreaterThanOrEqual(4);
  });

  it('serves on with the control plane dead, and has nginx back when all of it was killed', async () => {
    await platform.kill();
    expect((await platform.get('ledger')).status).toBe(200);
    await platform.start();
    await platform.killDaemons(/nginx: master/);
    const killedAt = performance.now();
    await waitFor(
      'the app to answer again',
      async () => (await platform.get('ledger').catch(() => undefined))?.status === 200,
      { everyMs: 20 },
    );
    console.log(`nginx was back after ${Math.round(performance.now() - killedAt)} ms`);
  });
});

describe('a public platform that routes with Nginx', () => {
  const DOMAIN = 'paas.example.com';
  const HOST = `ledger.${DOMAIN}`;
  let underTest: PublicPlatform;
  let repository: Repository | undefined;
  beforeAll(async () => {
    const env = { SHIPLOG_ROUTER: 'nginx' };
    underTest = await PublicPlatform.start(DOMAIN, { lifeSeconds: 86_400, env });
    repository = await deployed(underTest.platform, 'ledger', 'ledger');
  });
  afterAll(async () => {
    await repository?.remove();
    await underTest.destroy();
  });

  it('has certificates of its own host and of each app, and sends plain requests on', async () => {
    const { tlsPort } = underTest;
    await underTest.served(DOMAIN);
    await underTest.served(HOST);
    for (const version of ['--http1.1', '--http2']) {
      const app = await underTest.curl(HOST, '/', version);
      expect([app.code, app.stdout.split('\n').at(-1)]).toEqual([0, '200']);
    }
    expect((await underTest.curl(DOMAIN, '/healthz')).stdout).toContain('"ok"');
    const head = await underTest.plainHead(HOST, '/a?b=c');
    expect(head).toMatch(/^HTTP\/1\.1 308/);
    expect(head).toContain(`location: https://${HOST}:${tlsPort}/a?b=c`);
  });

  it('has them again when all of Nginx was killed', async () => {
    const before = await underTest.shown(HOST);
    await underTest.platform.killDaemons(/nginx: master/);
    await waitFor(
      'it to serve',
      async () => (await underTest.curl(HOST, '/')).stdout.endsWith('\n200'),
      { everyMs: 20 },
    );
    expect(await underTest.shown(HOST)).toEqual(before);
  });
});
