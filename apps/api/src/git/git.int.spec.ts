import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import express from 'express';
import { SourceStore } from '@shiplog/sources';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Keyring, MasterKey } from '@shiplog/secrets';
import type { SeenRefusal } from '../audit/audit-page.js';
import { Persons } from '../audit/persons.js';
import { startProcessManagers } from '../process-managers/index.js';
import { startFakeBuilder, startFakeDeployer } from '../progress/testing/fake-workers.js';
import { hashOf, startTestPlatform, type TestPlatform } from '../progress/testing/platform.js';
import { gitUrl, startGitService, type GitService } from './index.js';

const userToken = `shp_${'u'.repeat(43)}`;
const pushToken = `shp_${'p'.repeat(43)}`;
const strangerToken = `shp_${'s'.repeat(43)}`;

interface Result {
  readonly exitCode: number;
  readonly output: string;
}

let root: string;
let platform: TestPlatform;
let service: GitService;
let refused: SeenRefusal[];
let server: Server;
let base: string;
let stops: { stop(): Promise<void> }[];
/** Builds and versions that the fakes hold back. */
let held: { builds: Set<string>; versions: Set<number>; allBuilds: boolean };

const environment = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.com',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.com',
};

const git = (cwd: string, ...args: string[]): Promise<Result> =>
  new Promise((resolve) => {
    execFile('git', args, { cwd, env: environment }, (error, stdout, stderr) =>
      resolve({
        exitCode: error === null ? 0 : Number(error.code ?? 1),
        output: `${stdout}${stderr}`,
      }),
    );
  });

const newProject = async (name: string): Promise<string> => {
  const path = join(root, name);
  await mkdir(path);
  await git(path, 'init', '--quiet', '--initial-branch=main');
  await commit(path, 'server.js', 'one');
  return path;
};

const commit = async (path: string, file: string, content: string | Buffer): Promise<string> => {
  await writeFile(join(path, file), content);
  await git(path, 'add', '-A');
  await git(path, 'commit', '--quiet', '-m', `change ${file}`);
  return (await git(path, 'rev-parse', 'HEAD')).output.trim();
};

const urlWith = (token: string, app = 'hello'): string => gitUrl(base, app, token);

const branchOnServer = async (branch = 'main'): Promise<string> => {
  const { output } = await git(root, 'ls-remote', urlWith(userToken), `refs/heads/${branch}`);
  return output.split('\t')[0] ?? '';
};

const newToken = (tokenId: string, token: string, userId: string, appId?: string) =>
  platform.given('token', tokenId, {
    type: 'CreateToken',
    tokenId,
    userId,
    name: tokenId,
    hash: hashOf(token),
    scope: appId === undefined ? { kind: 'user' } : { kind: 'push', appId },
    expiresAt: null,
  });

const buildsOf = () => platform.api.world.buildRequests.of('app_1');

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'shiplog-git-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

beforeEach(async () => {
  const home = await mkdtemp(join(root, 'home-'));
  platform = await startTestPlatform(home);
  for (const [userId, name] of [
    ['u1', 'ann'],
    ['u2', 'bob'],
  ] as const) {
    await platform.given('user', userId, {
      type: 'CreateUser',
      userId,
      name,
      administrator: false,
    });
  }
  await platform.given('team', 't1', { type: 'CreateTeam', teamId: 't1', name: 'team' });
  await platform.given('team', 't1', { type: 'AddTeamMember', userId: 'u1' });
  for (const [appId, name] of [
    ['app_1', 'hello'],
    ['app_2', 'other'],
  ] as const) {
    await platform.given('name', name, { type: 'ReserveName', name, appId, teamId: 't1' });
    await platform.given('app', appId, { type: 'CreateApp', appId, name, teamId: 't1' });
  }
  await newToken('tok_u', userToken, 'u1');
  await newToken('tok_s', strangerToken, 'u2');
  await newToken('tok_p', pushToken, 'u1', 'app_1');

  refused = [];
  held = { builds: new Set(), versions: new Set(), allBuilds: false };
  const sources = new SourceStore(join(home, 'sources'));
  const master = new MasterKey(join(home, 'master.key'));
  const keyring = new Keyring(join(home, 'person-keys'), master, 'person');
  const persons = new Persons({ keyring, ...platform.api });
  service = await startGitService(platform.api, {
    persons,
    audit: { refused: (seen) => refused.push(seen) },
  });
  stops = [
    startProcessManagers({
      context: platform.api,
      keptApps: () => service.repositories.ids(),
      forgetApp: (id) => service.repositories.remove(id),
      rotateMasterKey: () => Promise.resolve(0),
      forgetPerson: () => Promise.resolve(),
    }),
    startFakeBuilder(platform.builder, {
      lets: (buildId) => !held.allBuilds && !held.builds.has(buildId),
      succeeds: async (buildId) => {
        const source = platform.api.world.app('app_1')?.builds[buildId]?.source;
        if (source?.kind !== 'archive') return false;
        return !(await text(sources.read(source.digest))).includes('broken');
      },
    }),
    startFakeDeployer(platform.deployer, { lets: (version) => !held.versions.has(version) }),
  ];
  const app = express();
  app.use('/git', service.handler);
  server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await service.stop();
  for (const one of stops) await one.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await platform.stop();
});

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
    await platform.given('app', 'app_1', { type: 'LockApp', ...lock });
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
    await platform.given('app', 'app_1', { type: 'UnlockApp', at: now() });
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

describe('who may', () => {
  it('asks for a token, and refuses one that is wrong', async () => {
    const project = await newProject('wrong');
    const wrong = await git(project, 'push', urlWith(`shp_${'x'.repeat(43)}`), 'main');
    expect(wrong.exitCode).not.toBe(0);
    expect(wrong.output).toMatch(/Authentication failed|unknown, expired or revoked/);
    const answer = await fetch(`${base}/git/hello.git/info/refs?service=git-receive-pack`);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Basic realm=');
  });

  it('answers 404 for an unknown app, and for the app of another team', async () => {
    const project = await newProject('unknown');
    const unknown = await git(project, 'push', urlWith(userToken, 'nothere'), 'main');
    expect(unknown.exitCode).not.toBe(0);
    expect(unknown.output).toContain("app 'nothere' not found");
    expect(unknown.output).toContain('shiplog apps create nothere');
    const foreign = await git(project, 'push', urlWith(strangerToken), 'main');
    expect(foreign.output).toContain("app 'hello' not found");
  });

  it('keeps every path to its own repository', async () => {
    const headers = { Authorization: `Basic ${Buffer.from(`x:${userToken}`).toString('base64')}` };
    for (const path of [
      'hello.git/../other.git/info/refs?service=git-upload-pack/..',
      '.hooks/hook.cjs',
      'hello.git/config',
      'hello.git/HEAD',
      'hello.git/objects/info/packs',
      'hello.git/info/refs',
      '%2e%2e/sources',
      'hello.git%2f..%2fother.git/info/refs?service=git-upload-pack',
    ]) {
      const { status } = await fetch(`${base}/git/${path}`, { headers });
      expect([path, status]).toEqual([path, 404]);
    }
  });

  it('understands a request that is compressed', async () => {
    const project = await newProject('compressed');
    expect((await git(project, 'push', urlWith(userToken), 'main')).exitCode).toBe(0);
    const answer = await fetch(`${base}/git/hello.git/git-upload-pack`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${userToken}`,
        'Content-Type': 'application/x-git-upload-pack-request',
        'Content-Encoding': 'gzip',
        'Git-Protocol': 'version=2',
      },
      body: gzipSync('0014command=ls-refs\n00010000'),
    });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('refs/heads/main');
  });

  it('lets a user clone, and a push token push only', async () => {
    const project = await newProject('cloned');
    expect((await git(project, 'push', urlWith(pushToken), 'main')).exitCode).toBe(0);
    const refused = await git(root, 'clone', '--quiet', urlWith(pushToken), 'not-cloned');
    expect(refused.exitCode).not.toBe(0);
    expect(refused.output).toContain('this token is for pushing only');
    const clone = await git(root, 'clone', '--quiet', urlWith(userToken), 'clone-of-hello');
    expect(clone.exitCode).toBe(0);
    const heads = await Promise.all(
      [project, join(root, 'clone-of-hello')].map((path) => git(path, 'rev-parse', 'HEAD')),
    );
    expect(heads[0]?.output).toBe(heads[1]?.output);
  });
});

describe('two pushes at once', () => {
  it('lets the same commit attach to the build that runs', async () => {
    const project = await newProject('same');
    held.allBuilds = true;
    const url = urlWith(userToken);
    const first = git(project, 'push', url, 'main');
    await platform.until(() => buildsOf().length === 1, 'the first build is requested');
    const second = spawn('git', ['push', url, 'main'], { cwd: project, env: environment });
    let output = '';
    second.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      // Attached: now the build may end.
      if (output.includes('being deployed already')) held.allBuilds = false;
    });
    const secondExit = await new Promise((resolve) => second.on('close', resolve));
    expect(output).toContain('is live');
    expect(secondExit).toBe(0);
    expect((await first).exitCode).toBe(0);
    expect(buildsOf()).toHaveLength(1);
  });

  it('supersedes the older one, and the branch names what runs', async () => {
    const project = await newProject('superseded');
    held.allBuilds = true;
    const url = urlWith(userToken);
    const first = git(project, 'push', url, 'main');
    await platform.until(() => buildsOf().length === 1, 'the first build is requested');
    const newer = await commit(project, 'server.js', 'two');
    const second = git(project, 'push', url, 'main');
    await platform.until(() => buildsOf().length === 2, 'the second build is requested');
    // Only the newer build ends: it must not wait for the older one, nor be overtaken by it.
    held.builds.add(buildsOf()[0]?.buildId ?? '');
    held.allBuilds = false;
    expect((await second).exitCode).toBe(0);
    held.builds.clear();
    const { exitCode, output } = await first;
    expect(exitCode).toBe(1);
    expect(output).toContain('superseded');
    expect(await branchOnServer()).toBe(newer);
    expect(platform.api.world.app('app_1')?.lastVersion).toBe(1);
  });

  it('accepts both when the first one goes live before the second one', async () => {
    const project = await newProject('both-live');
    held.allBuilds = true;
    const url = urlWith(userToken);
    const first = git(project, 'push', url, 'main');
    await platform.until(() => buildsOf().length === 1, 'the first build is requested');
    const newer = await commit(project, 'server.js', 'two');
    const second = git(project, 'push', url, 'main');
    await platform.until(() => buildsOf().length === 2, 'the second build is requested');
    held.builds.add(buildsOf()[1]?.buildId ?? '');
    held.allBuilds = false;
    expect((await first).exitCode).toBe(0);
    held.builds.clear();
    const { exitCode, output } = await second;
    expect(output).toContain('hello v2 is live');
    expect(exitCode).toBe(0);
    expect(await branchOnServer()).toBe(newer);
  });
});

describe('a pusher who goes away', () => {
  it('leaves the deploy and the branch to the platform', async () => {
    const project = await newProject('gone');
    held.allBuilds = true;
    const child = spawn('git', ['push', urlWith(userToken), 'main'], {
      cwd: project,
      env: environment,
      stdio: 'ignore',
    });
    await platform.until(() => buildsOf().length === 1, 'the build is requested');
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('close', resolve));
    held.allBuilds = false;
    await platform.until(
      () => platform.api.world.liveOf('app_1')?.release.version === 1,
      'the release is live',
    );
    const head = (await git(project, 'rev-parse', 'HEAD')).output.trim();
    await expect.poll(() => branchOnServer(), { timeout: 10_000 }).toBe(head);
  });

  it('is told that the platform stops, and the deploy goes on', async () => {
    const project = await newProject('stopping');
    held.allBuilds = true;
    const pushed = git(project, 'push', urlWith(userToken), 'main');
    await platform.until(() => buildsOf().length === 1, 'the build is requested');
    await service.stop();
    const { exitCode, output } = await pushed;
    expect(exitCode).toBe(1);
    expect(output).toContain('the deploy goes on');
    held.allBuilds = false;
    await platform.until(
      () => platform.api.world.liveOf('app_1')?.release.version === 1,
      'the release is live',
    );
  });
});

describe('a destroyed app', () => {
  it('loses its repository and its push tokens', async () => {
    const project = await newProject('destroyed');
    expect((await git(project, 'push', urlWith(pushToken), 'main')).exitCode).toBe(0);
    await platform.given('app', 'app_1', { type: 'DestroyApp', confirm: 'hello' });
    await platform.until(
      () => platform.api.world.get('token', 'tok_p').state.status === 'revoked',
      'the push token is revoked',
    );
    const { exitCode, output } = await git(project, 'push', urlWith(userToken), 'main');
    expect(exitCode).not.toBe(0);
    expect(output).toContain("app 'hello' not found");
  });
});
