import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failuresOf, startLoad } from '../support/load.js';
import { TestPlatform } from '../support/platform.js';
import { deployed, type Repository } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

/**
 * A slice. All of it: SHIPLOG_ROUTER=nginx node scripts/test.cjs e2e under-load control-plane-dead companions
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
