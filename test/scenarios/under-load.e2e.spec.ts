import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine } from '@shiplog/engine';
import { failuresOf, startLoad } from '../support/load.js';
import { TestPlatform } from '../support/platform.js';
import { deployed, type Repository } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

interface InstanceRow {
  readonly id: string;
  readonly state: string;
  readonly containerId: string;
  readonly restarts: number;
  readonly routed: boolean;
}

describe('under load', () => {
  let platform: TestPlatform;
  let repository: Repository;
  beforeAll(async () => {
    platform = await TestPlatform.start({ name: 'load' });
    repository = await deployed(platform, 'ledger', 'ledger');
    // Open streams would hold every old instance for the whole drain time.
    await platform.json(['settings', 'set', '-a', 'ledger', 'drain=6']);
  });
  afterAll(async () => {
    await repository.remove();
    await platform.destroy();
  });

  const ps = () => platform.json<InstanceRow[]>(['ps', '-a', 'ledger']);

  it('scales 1 → 5 → 2 without a failed request', async () => {
    const load = await startLoad(platform, 'ledger');
    await platform.json(['scale', '-a', 'ledger', 'web=5']);
    expect(await ps()).toHaveLength(5);
    await platform.json(['scale', '-a', 'ledger', 'web=2']);
    const report = await load.stop();
    expect(await failuresOf(platform, 'ledger', report)).toEqual([]);
    expect(Object.keys(report.instances).length).toBeGreaterThanOrEqual(5);
  });

  it('makes 20 releases in a row and a rollback without a failed request', async () => {
    const load = await startLoad(platform, 'ledger');
    for (let i = 0; i < 20; i += 1) {
      await platform.json(['config', 'set', '-a', 'ledger', `COLOUR=colour-${i}`]);
    }
    await platform.json(['rollback', '-a', 'ledger']);
    const report = await load.stop();
    expect(JSON.parse((await platform.get('ledger')).body)).toMatchObject({ config: 'colour-18' });
    expect(await failuresOf(platform, 'ledger', report)).toEqual([]);
  }, 600_000);

  it('releases by batches, blue-green and canary without a failed request', async () => {
    const app = ['-a', 'ledger'];
    const strategy = (...pairs: string[]) => platform.json(['settings', 'set', ...app, ...pairs]);
    const release = (colour: string) =>
      platform.json(['config', 'set', ...app, `COLOUR=${colour}`]);
    const colour = async (): Promise<unknown> =>
      (JSON.parse((await platform.get('ledger')).body) as { config: unknown }).config;
    await platform.json(['scale', ...app, 'web=2']);
    const load = await startLoad(platform, 'ledger');
    await strategy('strategy=rolling', 'batch=1', 'batch-pause=1s');
    await release('batch');
    expect(await colour()).toBe('batch');

    await strategy('strategy=blue-green', 'retain=60s');
    await release('green');
    expect(await colour()).toBe('green');
    await platform.json(['deploys', 'abort', ...app]);
    await waitFor('the way back', async () => (await colour()) === 'batch');

    await strategy('strategy=canary', 'canary-steps=30', 'canary-step=1s', 'canary-requests=20');
    await release('canary');
    expect(await colour()).toBe('canary');
    const report = await load.stop();
    expect(await failuresOf(platform, 'ledger', report)).toEqual([]);
  });

  it('goes back by itself from a canary that fails, and says by how much', async () => {
    let isOver = false;
    const visits = (async () => {
      while (!isOver) await platform.get('ledger');
    })();
    const failed = await platform.cli(['--json', 'config', 'set', '-a', 'ledger', 'COLOUR=broken']);
    isOver = true;
    await visits;
    expect(failed.code).toBe(1);
    const { explanation } = JSON.parse(failed.stderr) as { explanation: object };
    expect(explanation).toMatchObject({
      code: 'canary-errors',
      tried: expect.stringMatching(
        /at 30% of the requests; new: \d+ requests, \d+ failed \(100%\)/,
      ),
    });
    // Told as soon as it is decided: routers take it out some milliseconds later.
    await waitFor('the way back', async () => {
      for (let i = 0; i < 10; i += 1)
        if ((await platform.get('ledger')).status !== 200) return false;
      return true;
    });
    await platform.json(['settings', 'set', '-a', 'ledger', 'strategy=rolling', 'batch=100%']);
  });

  it('gives a canary those who ask for it, and moves no release that is locked or frozen', async () => {
    const app = ['-a', 'ledger'];
    const colour = async (headers = {}): Promise<unknown> =>
      (JSON.parse((await platform.get('ledger', '/', headers)).body) as { config: unknown }).config;
    const canary = ['strategy=canary', 'canary-match=header:x-canary=yes', 'canary-steps=0,50'];
    await platform.json(['settings', 'set', ...app, ...canary, 'canary-promote=manual']);
    await platform.json(['config', 'set', ...app, 'COLOUR=asked-for', '--no-wait']);
    const asked = { 'x-canary': 'yes' };
    await waitFor('the canary', async () => (await colour(asked)) === 'asked-for');
    for (let i = 0; i < 10; i += 1) {
      expect(await colour(asked)).toBe('asked-for');
      expect(await colour({ 'x-canary': 'no' })).not.toBe('asked-for');
    }
    await platform.json(['lock', ...app, '-m', 'audit']);
    const locked = await platform.cli(['deploys', 'promote', ...app]);
    expect([locked.code, locked.stderr]).toEqual([4, expect.stringContaining('audit')]);
    await platform.json(['unlock', ...app]);
    await platform.json(['freeze', 'add', 'now', '--cron', '* * * * *', '--for', '10m', ...app]);
    const frozen = await platform.cli(['config', 'set', ...app, 'COLOUR=too-late']);
    expect([frozen.code, frozen.stderr]).toEqual([4, expect.stringContaining('now')]);
    // One that began before the window may end in it.
    await platform.json(['deploys', 'promote', ...app]);
    await waitFor('all requests', async () => (await colour()) === 'asked-for');
    const why = ['--override-freeze', '-m', 'the site is down'];
    const back = [
      'strategy=rolling',
      'canary-match=none',
      'canary-steps=50',
      'canary-promote=auto',
    ];
    await platform.json(['settings', 'set', ...app, ...back]);
    await platform.json(['config', 'set', ...app, 'COLOUR=urgent', ...why]);
    expect(await colour(asked)).toBe('urgent');
    await platform.json(['freeze', 'remove', 'now', ...app]);
  });

  it('loses an instance to a kill, again and again, and brings it back', async () => {
    await platform.json(['scale', '-a', 'ledger', 'web=2']);
    const load = await startLoad(platform, 'ledger');
    for (let kill = 0; kill < KILLS; kill += 1) {
      const victim = (await ps())[kill % 2];
      await connectEngine()
        .getContainer(victim?.containerId ?? '')
        .kill({ signal: 'SIGKILL' });
      await waitFor('the instance to be routed again', async () => {
        const row = (await ps()).find(({ id }) => id === victim?.id);
        const isBack = row?.state === 'ready' && row.restarts > (victim?.restarts ?? 0);
        return row === undefined || (isBack && row.routed);
      });
    }
    const failures = await failuresOf(platform, 'ledger', await load.stop());
    const inside = failures.filter(wasInside);
    expect(failures.filter((failure) => !inside.includes(failure))).toEqual([]);
    expect(inside.length).toBeLessThanOrEqual(KILLS * INSIDE_MAX);
  });
});

const KILLS = 3;
/**
 * A POST that the killed process had in hand, or the kernel for it while it was taken apart, is lost:
 * it must not be sent twice. Behind published ports it was three or four at each kill
 * (docs/decisions/0003-direct-addresses.md).
 */
const INSIDE_MAX = 2;
const wasInside = (failure: string): boolean =>
  /"what":"POST \/ledger","detail":"502/.test(failure) ||
  failure.startsWith('executed, not answered');
