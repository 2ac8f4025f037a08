import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestPlatform } from '../support/platform.js';
import { Repository, deployed } from '../support/repository.js';

interface ReleaseRow {
  readonly version: number;
  readonly state: string;
  readonly createdBy: string;
}

describe('pushing code', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await TestPlatform.start({ name: 'push' });
  });
  afterAll(async () => platform.destroy());

  it('runs Node.js source, and shows build and rollout in the pushing terminal', async () => {
    await platform.json(['apps', 'create', 'hello']);
    const repository = await Repository.of('node-hello');
    const pushed = await repository.push(platform, 'hello');
    expect(pushed.stderr).toMatch(/npm (ci|install)/);
    expect(pushed.stderr).toMatch(/v1/);
    expect(pushed.stderr).toContain(
      `http://hello.localhost:${platform.env['SHIPLOG_ROUTER_PORT'] ?? ''}`,
    );
    expect(pushed.code).toBe(0);
    expect(await platform.get('hello')).toMatchObject({ status: 200 });
    await repository.remove();
  });

  it('runs a Dockerfile', async () => {
    const repository = await deployed(platform, 'docker-app', 'dockerfile-app');
    expect((await platform.get('docker-app')).status).toBe(200);
    await repository.remove();
  });

  it('stores other branches without deploying them', async () => {
    const repository = await Repository.of('node-hello');
    const pushed = await repository.push(platform, 'hello', 'feature');
    expect(pushed.code).toBe(0);
    expect(pushed.stderr).toContain('not deployed');
    await repository.remove();
  });

  it('rejects a push whose build fails, says why, and serves the old release', async () => {
    const repository = await deployed(platform, 'breaks', 'node-hello');
    await repository.become('broken-build');
    const pushed = await repository.push(platform, 'breaks');
    expect(pushed.code).not.toBe(0);
    expect(pushed.stderr).toMatch(/build/i);
    expect((await platform.get('breaks')).status).toBe(200);
    const releases = await platform.json<ReleaseRow[]>(['releases', 'list', '-a', 'breaks']);
    expect(releases.map(({ version, state }) => [version, state])).toEqual([[1, 'live']]);
    await repository.remove();
  });

  it('refuses an app that does not exist and a wrong token', async () => {
    const repository = await Repository.of('node-hello');
    const unknown = await repository.push(platform, 'nobody');
    expect(unknown.code).not.toBe(0);
    expect(unknown.stderr).toContain('nobody');
    const denied = await repository.try([
      'push',
      `http://x:wrong@127.0.0.1:${platform.env['SHIPLOG_API_PORT'] ?? ''}/git/hello.git`,
      'main',
    ]);
    expect(denied.code).not.toBe(0);
    await repository.remove();
  });

  it('gives a push during a push an order: the newest commit ends up live', async () => {
    const repository = await deployed(platform, 'racing', 'node-hello');
    await repository.write('extra.txt', 'one');
    await repository.commit('one');
    const first = repository.push(platform, 'racing');
    const other = await Repository.of('node-hello');
    await other.write('extra.txt', 'two');
    await other.commit('two');
    const [, second] = await Promise.all([first, other.push(platform, 'racing')]);
    expect(second.code).toBe(0);
    expect((await platform.get('racing')).status).toBe(200);
    const releases = await platform.json<ReleaseRow[]>(['releases', 'list', '-a', 'racing']);
    expect(releases.filter(({ state }) => state === 'live')).toHaveLength(1);
    await Promise.all([repository.remove(), other.remove()]);
  });
});
