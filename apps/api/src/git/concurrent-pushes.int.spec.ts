import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { environment, git, commit, userToken, useGitServer } from './testing/git-server.js';

const server = useGitServer();
const { newProject, urlWith, branchOnServer, buildsOf } = server;

describe('two pushes at once', () => {
  it('lets the same commit attach to the build that runs', async () => {
    const project = await newProject('same');
    server.held.allBuilds = true;
    const url = urlWith(userToken);
    const first = git(project, 'push', url, 'main');
    await server.platform.until(() => buildsOf().length === 1, 'the first build is requested');
    const second = spawn('git', ['push', url, 'main'], { cwd: project, env: environment });
    let output = '';
    second.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      // Attached: now the build may end.
      if (output.includes('being deployed already')) server.held.allBuilds = false;
    });
    const secondExit = await new Promise((resolve) => second.on('close', resolve));
    expect(output).toContain('is live');
    expect(secondExit).toBe(0);
    expect((await first).exitCode).toBe(0);
    expect(buildsOf()).toHaveLength(1);
  });

  it('supersedes the older one, and the branch names what runs', async () => {
    const project = await newProject('superseded');
    server.held.allBuilds = true;
    const url = urlWith(userToken);
    const first = git(project, 'push', url, 'main');
    await server.platform.until(() => buildsOf().length === 1, 'the first build is requested');
    const newer = await commit(project, 'server.js', 'two');
    const second = git(project, 'push', url, 'main');
    await server.platform.until(() => buildsOf().length === 2, 'the second build is requested');
    // Only the newer build ends: it must not wait for the older one, nor be overtaken by it.
    server.held.builds.add(buildsOf()[0]?.buildId ?? '');
    server.held.allBuilds = false;
    expect((await second).exitCode).toBe(0);
    server.held.builds.clear();
    const { exitCode, output } = await first;
    expect(exitCode).toBe(1);
    expect(output).toContain('superseded');
    expect(await branchOnServer()).toBe(newer);
    expect(server.platform.api.world.app('app_1')?.lastVersion).toBe(1);
  });

  it('accepts both when the first one goes live before the second one', async () => {
    const project = await newProject('both-live');
    server.held.allBuilds = true;
    const url = urlWith(userToken);
    const first = git(project, 'push', url, 'main');
    await server.platform.until(() => buildsOf().length === 1, 'the first build is requested');
    const newer = await commit(project, 'server.js', 'two');
    const second = git(project, 'push', url, 'main');
    await server.platform.until(() => buildsOf().length === 2, 'the second build is requested');
    server.held.builds.add(buildsOf()[1]?.buildId ?? '');
    server.held.allBuilds = false;
    expect((await first).exitCode).toBe(0);
    server.held.builds.clear();
    const { exitCode, output } = await second;
    expect(output).toContain('hello v2 is live');
    expect(exitCode).toBe(0);
    expect(await branchOnServer()).toBe(newer);
  });
});

describe('a pusher who goes away', () => {
  it('leaves the deploy and the branch to the platform', async () => {
    const project = await newProject('gone');
    server.held.allBuilds = true;
    const child = spawn('git', ['push', urlWith(userToken), 'main'], {
      cwd: project,
      env: environment,
      stdio: 'ignore',
    });
    await server.platform.until(() => buildsOf().length === 1, 'the build is requested');
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('close', resolve));
    server.held.allBuilds = false;
    await server.platform.until(
      () => server.platform.api.world.liveOf('app_1')?.release.version === 1,
      'the release is live',
    );
    const head = (await git(project, 'rev-parse', 'HEAD')).output.trim();
    await expect.poll(() => branchOnServer(), { timeout: 10_000 }).toBe(head);
  });

  it('is told that the platform stops, and the deploy goes on', async () => {
    const project = await newProject('stopping');
    server.held.allBuilds = true;
    const pushed = git(project, 'push', urlWith(userToken), 'main');
    await server.platform.until(() => buildsOf().length === 1, 'the build is requested');
    await server.service.stop();
    const { exitCode, output } = await pushed;
    expect(exitCode).toBe(1);
    expect(output).toContain('the deploy goes on');
    server.held.allBuilds = false;
    await server.platform.until(
      () => server.platform.api.world.liveOf('app_1')?.release.version === 1,
      'the release is live',
    );
  });
});
