import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import express from 'express';
import { SourceStore } from '@shiplog/sources';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { Keyring, MasterKey } from '@shiplog/secrets';
import { Persons } from '../../audit/persons.js';
import { startProcessManagers } from '../../process-managers/index.js';
import { startFakeBuilder, startFakeDeployer } from '../../progress/testing/fake-workers.js';
import { hashOf, startTestPlatform, type TestPlatform } from '../../progress/testing/platform.js';
import { gitUrl, startGitService, type GitService } from '../index.js';

export const userToken = `shp_${'u'.repeat(43)}`;
export const pushToken = `shp_${'p'.repeat(43)}`;
export const strangerToken = `shp_${'s'.repeat(43)}`;

interface Finished {
  readonly exitCode: number;
  readonly output: string;
}

export const environment = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.com',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.com',
};

export const git = (cwd: string, ...args: string[]): Promise<Finished> =>
  new Promise((resolve) => {
    execFile('git', args, { cwd, env: environment }, (error, stdout, stderr) =>
      resolve({
        exitCode: error === null ? 0 : Number(error.code ?? 1),
        output: `${stdout}${stderr}`,
      }),
    );
  });

export const commit = async (
  path: string,
  file: string,
  content: string | Buffer,
): Promise<string> => {
  await writeFile(join(path, file), content);
  await git(path, 'add', '-A');
  await git(path, 'commit', '--quiet', '-m', `change ${file}`);
  return (await git(path, 'rev-parse', 'HEAD')).output.trim();
};

/**
 * A platform with git over HTTP for each test of a file: apps `hello` and `other` of a team with `ann`, and a
 * stranger; builds and rollouts are fakes that hold back what `held` names.
 */
export const useGitServer = () => {
  let root: string;
  let platform: TestPlatform;
  let service: GitService;
  let server: Server;
  let base: string;
  let stops: { stop(): Promise<void> }[];
  /** Builds and versions that the fakes hold back. */
  let held: { builds: Set<string>; versions: Set<number>; allBuilds: boolean };

  const newProject = async (name: string): Promise<string> => {
    const path = join(root, name);
    await mkdir(path);
    await git(path, 'init', '--quiet', '--initial-branch=main');
    await commit(path, 'server.js', 'one');
    return path;
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

    held = { builds: new Set(), versions: new Set(), allBuilds: false };
    const sources = new SourceStore(join(home, 'sources'));
    const master = new MasterKey(join(home, 'master.key'));
    const keyring = new Keyring(join(home, 'person-keys'), master, 'person');
    const persons = new Persons({ keyring, ...platform.api });
    service = await startGitService(platform.api, {
      persons,
      audit: { refused: () => undefined },
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

  return {
    newProject,
    urlWith,
    branchOnServer,
    buildsOf,
    get root() {
      return root;
    },
    get platform() {
      return platform;
    },
    get service() {
      return service;
    },
    get base() {
      return base;
    },
    get held() {
      return held;
    },
  };
};
