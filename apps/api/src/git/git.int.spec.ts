import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { git, commit, userToken, pushToken, useGitServer } from './testing/git-server.js';

const server = useGitServer();
const { newProject, urlWith, branchOnServer, buildsOf } = server;

describe('pushing to main', () => {
  it('builds, deploys, streams both to the terminal, and moves the branch', async () => {
    const project = await newProject('success');
    const { exitCode, output } = await git(project, 'push', urlWith(userToken), 'main');
    expect(output).toContain('remote: -----> building commit');
    expect(output).toContain('remote:        installing');
    expect(output).toContain('remote:        made bld_');
    expect(output).toContain('remote: -----> release v1 created');
    expect(output).toContain('remote: -----> hello v1 is live at http://hello.localhost:5880/');
    expect(exitCode).toBe(0);
    const head = (await git(project, 'rev-parse', 'HEAD')).output.trim();
    expect(await branchOnServer()).toBe(head);
    expect(buildsOf()[0]).toMatchObject({ actor: { name: 'ann' }, reason: 'change server.js' });
  });

  it('takes a push token of exactly this app, and a reason as push option', async () => {
    const project = await newProject('push-token');
    const option = 'reason=because';
    const pushed = await git(project, 'push', '-o', option, urlWith(pushToken), 'main');
    expect(pushed.exitCode).toBe(0);
    expect(buildsOf()[0]?.reason).toBe('because');
    const elsewhere = await git(project, 'push', urlWith(pushToken, 'other'), 'main');
    expect(elsewhere.exitCode).not.toBe(0);
    expect(elsewhere.output).toContain('this token is for pushing to another app');
  });

  it('is refused before anything is stored while the app is locked, unless that is put aside', async () => {
    const project = await newProject('locked');
    const by = { kind: 'user', id: 'u1', name: 'ada' } as const;
    const now = () => new Date().toISOString();
    const lock = { by, why: 'the database is being moved', since: now(), until: null };
    await server.platform.given('app', 'app_1', { type: 'LockApp', ...lock });
    const before = buildsOf().length;
    const refused = await git(project, 'push', urlWith(userToken), 'main');
    expect(refused.exitCode).toBe(1);
    expect(refused.output.replaceAll(/\s*\nremote: */g, ' ')).toMatch(
      /locked by ada since .*: the database is being moved\..*-o override-lock -o reason/,
    );
    const option = ['-o', 'override-lock'];
    const mute = await git(project, 'push', ...option, urlWith(userToken), 'main');
    expect([mute.exitCode, mute.output]).toEqual([1, expect.stringContaining('say why')]);
    const why = ['-o', 'reason=the site is down'];
    const robot = await git(project, 'push', ...option, ...why, urlWith(pushToken), 'main');
    expect([robot.exitCode, robot.output]).toEqual([
      1,
      expect.stringContaining('for pushing only'),
    ]);
    expect(buildsOf()).toHaveLength(before);
    const pushed = await git(project, 'push', ...option, ...why, urlWith(userToken), 'main');
    expect(pushed.exitCode).toBe(0);
    await server.platform.given('app', 'app_1', { type: 'UnlockApp', at: now() });
  });

  it('is rejected with the reason when the build fails, and the branch stays', async () => {
    const project = await newProject('broken');
    const good = (await git(project, 'rev-parse', 'HEAD')).output.trim();
    expect((await git(project, 'push', urlWith(userToken), 'main')).exitCode).toBe(0);
    await commit(project, 'server.js', 'broken');
    const { exitCode, output } = await git(project, 'push', urlWith(userToken), 'main');
    expect(exitCode).toBe(1);
    expect(output).toContain('npm run build ended with exit code 1');
    expect(output).toContain('Error: no such module');
    expect(output).toContain('what would help: fix the error above');
    expect(output).toContain('[remote rejected] main -> main (pre-receive hook declined)');
    expect(await branchOnServer()).toBe(good);
    // Once more: a new attempt, and the same end.
    expect((await git(project, 'push', urlWith(userToken), 'main')).exitCode).toBe(1);
    expect(buildsOf()).toHaveLength(3);
  });

  it('accepts a forced push of another history', async () => {
    const project = await newProject('forced');
    expect((await git(project, 'push', urlWith(userToken), 'main')).exitCode).toBe(0);
    await git(project, 'commit', '--amend', '--quiet', '-m', 'rewritten');
    const plain = await git(project, 'push', urlWith(userToken), 'main');
    expect(plain.exitCode).toBe(1);
    const forced = await git(project, 'push', '--force', urlWith(userToken), 'main');
    expect(forced.exitCode).toBe(0);
    expect(await branchOnServer()).toBe((await git(project, 'rev-parse', 'HEAD')).output.trim());
  });

  it('takes 50 MB of what cannot be compressed', async () => {
    const project = await newProject('large');
    await commit(project, 'large.bin', randomBytes(50 * 1024 * 1024));
    const { exitCode, output } = await git(project, 'push', urlWith(userToken), 'main');
    expect(output).toContain('is live');
    expect(exitCode).toBe(0);
  });

  it('says so when the commit uses submodules or LFS', async () => {
    const project = await newProject('parts');
    await writeFile(join(project, '.gitmodules'), '[submodule "x"]\n\tpath = x\n\turl = ../x\n');
    await commit(project, '.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs\n');
    const { output } = await git(project, 'push', urlWith(userToken), 'main');
    expect(output).toContain('this commit uses submodules');
    expect(output).toContain('this commit uses git LFS');
  });
});

describe('what git itself refuses', () => {
  it('is a damaged history, and the pusher is told', async () => {
    const project = await newProject('damaged');
    const tree = (await git(project, 'rev-parse', 'HEAD^{tree}')).output.trim();
    await writeFile(
      join(project, 'commit'),
      `tree ${tree}\nauthor nobody\ncommitter nobody\n\nx\n`,
    );
    const args = ['hash-object', '-t', 'commit', '-w', '--literally', 'commit'];
    const damaged = (await git(project, ...args)).output.trim();
    const pushed = await git(project, 'push', urlWith(userToken), `${damaged}:refs/heads/main`);
    expect(pushed.exitCode).toBe(1);
    expect(pushed.output).toMatch(/fsck error|missingEmail|index-pack abnormal exit/);
    expect(buildsOf()).toHaveLength(0);
    expect((await git(project, 'push', urlWith(userToken), 'main')).exitCode).toBe(0);
  });
});

describe('what is no source', () => {
  it('is a tag: the branch could not name it once it is live', async () => {
    const project = await newProject('tagged');
    await git(project, 'tag', '-a', 'v1', '-m', 'first');
    const pushed = await git(project, 'push', urlWith(userToken), 'v1:refs/heads/main');
    expect(pushed.output).toContain('this is an annotated tag; push the commit that it names');
    expect(pushed.exitCode).toBe(1);
    expect(buildsOf()).toHaveLength(0);
    const commit = ['push', urlWith(userToken), 'v1^{commit}:refs/heads/main'];
    expect((await git(project, ...commit)).exitCode).toBe(0);
  });

  it('is a small pack that unpacks to a billion files', async () => {
    const project = await newProject('bomb');
    let tree = (await git(project, 'rev-parse', 'HEAD^{tree}')).output.trim();
    for (let depth = 0; depth < 9; depth += 1) {
      const entries = Array.from({ length: 10 }, (_, i) => `040000 tree ${tree}\td${i}\n`);
      tree = execFileSync('git', ['mktree'], { cwd: project, input: entries.join('') })
        .toString()
        .trim();
    }
    const bomb = (await git(project, 'commit-tree', tree, '-m', 'bomb')).output.trim();
    const pushed = await git(project, 'push', urlWith(userToken), `${bomb}:refs/heads/main`);
    expect(pushed.output).toContain('more than 100000 files and folders');
    expect(pushed.exitCode).toBe(1);
    expect(buildsOf()).toHaveLength(0);
  });
});

describe('what is not deployed', () => {
  it('stores other branches and tags, and says so', async () => {
    const project = await newProject('branches');
    await git(project, 'tag', 'v1');
    const url = urlWith(userToken);
    const { exitCode, output } = await git(project, 'push', url, 'main:feature/x', 'v1');
    expect(exitCode).toBe(0);
    expect(output).toContain('branch feature/x is stored, not deployed');
    expect(output).toContain('tag v1 is stored, not deployed');
    expect(buildsOf()).toHaveLength(0);
    expect(await branchOnServer('feature/x')).not.toBe('');
    expect((await git(project, 'push', url, ':feature/x')).exitCode).toBe(0);
    expect(await branchOnServer('feature/x')).toBe('');
  });

  it('refuses to delete main, and refs that are neither branch nor tag', async () => {
    const project = await newProject('refused');
    const url = urlWith(userToken);
    expect((await git(project, 'push', url, 'main')).exitCode).toBe(0);
    const deleted = await git(project, 'push', url, ':main');
    expect(deleted.exitCode).toBe(1);
    expect(deleted.output).toContain('cannot be deleted');
    const hidden = await git(project, 'push', url, 'main:refs/secret/x');
    expect(hidden.exitCode).toBe(1);
    expect(hidden.output).toContain('neither a branch nor a tag');
  });

  it('deploys one commit when main and master are pushed at once, and refuses two', async () => {
    const project = await newProject('both');
    const url = urlWith(userToken);
    expect((await git(project, 'push', url, 'main', 'main:master')).exitCode).toBe(0);
    expect(buildsOf()).toHaveLength(1);
    const old = (await git(project, 'rev-parse', 'HEAD')).output.trim();
    await commit(project, 'server.js', 'two');
    await git(project, 'branch', 'older', old);
    await git(project, 'commit', '--allow-empty', '--quiet', '-m', 'three');
    const two = await git(project, 'push', url, 'main', 'main~1:master');
    expect(two.exitCode).toBe(1);
    expect(two.output).toContain('different commits');
  });
});

describe('a destroyed app', () => {
  it('loses its repository and its push tokens', async () => {
    const project = await newProject('destroyed');
    expect((await git(project, 'push', urlWith(pushToken), 'main')).exitCode).toBe(0);
    await server.platform.given('app', 'app_1', { type: 'DestroyApp', confirm: 'hello' });
    await server.platform.until(
      () => server.platform.api.world.get('token', 'tok_p').state.status === 'revoked',
      'the push token is revoked',
    );
    const { exitCode, output } = await git(project, 'push', urlWith(userToken), 'main');
    expect(exitCode).not.toBe(0);
    expect(output).toContain("app 'hello' not found");
  });
});
