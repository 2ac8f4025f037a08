import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, pathsOf, type PlatformConfig, type RunningProcess } from '@shiplog/runtime';
import request from 'supertest';
import { hashOfToken, newTokenText } from '../auth/token-text.js';
import { startApi } from '../index.js';
import { anImage, startTestPlatform, type TestPlatform } from '../progress/testing/platform.js';

/** The whole api on a port of its own: real HTTP and real read models, log and bus in memory. */
export interface TestApi {
  readonly url: string;
  readonly port: number;
  readonly home: string;
  readonly platform: TestPlatform;
  /** Token of the first administrator. */
  readonly token: string;
  call(method: Method, path: string, token?: string): request.Test;
  /** A user of a team of their own, and a token. */
  addUser(name: string): Promise<string>;
  /** An app with `count` releases, the newest one live. */
  deployed(name: string, count?: number, processes?: Processes): Promise<string>;
  stop(): Promise<void>;
}
/** Beside `web`, which has the image's own command. */
type Processes = Readonly<Record<string, { command: string[] }>>;
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export const startTestApi = async (
  settings: Partial<Pick<PlatformConfig, 'domainChecks' | 'router'>> = {},
): Promise<TestApi> => {
  const home = await mkdtemp(join(tmpdir(), 'shiplog-api-'));
  const platform = await startTestPlatform(home);
  const port = await freePort();
  const context = {
    ...platform.api,
    config: { ...platform.api.config, apiPort: port, publicApiPort: port, ...settings },
    logger: createLogger('silent'),
  };
  const api: RunningProcess = await startApi(context);
  const url = `http://127.0.0.1:${port}`;
  const file = await readFile(pathsOf(home).credentials, 'utf8');
  const { token: adminToken } = JSON.parse(file) as { token: string };
  const call: TestApi['call'] = (method, path, token = adminToken) =>
    request(url)[method](path).set('Authorization', `Bearer ${token}`);

  return {
    url,
    port,
    home,
    platform,
    token: adminToken,
    call,
    addUser: (name) => addUser(platform, name),
    deployed: async (name, count = 1, processes = {}) => {
      const { body } = await call('post', '/v1/apps').send({ name }).expect(201);
      const { id } = body as { id: string };
      for (let i = 1; i <= count; i += 1)
        await deploy(platform, id, { buildId: `bld_${name}-${i}`, processes });
      return id;
    },
    stop: async () => {
      await api.stop();
      await platform.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const addUser = async ({ given }: TestPlatform, name: string): Promise<string> => {
  const teamId = `team-${name}`;
  const text = newTokenText();
  await given('team', teamId, { type: 'CreateTeam', teamId, name: teamId });
  await given('user', name, { type: 'CreateUser', userId: name, name, administrator: false });
  await given('team', teamId, { type: 'AddTeamMember', userId: name });
  await given('token', `tok-${name}`, {
    type: 'CreateToken',
    tokenId: `tok-${name}`,
    userId: name,
    name: 'laptop',
    hash: hashOfToken(text),
    scope: { kind: 'user' },
    expiresAt: null,
  });
  return text;
};

/** What builder, process manager and deployer would record of one deploy. */
const deploy = async (
  platform: TestPlatform,
  appId: string,
  { buildId, processes: more }: { readonly buildId: string; readonly processes: Processes },
): Promise<void> => {
  const { given, api } = platform;
  const source = { kind: 'image', ref: 'test/app:1' } as const;
  await given('app', appId, { type: 'RequestBuild', buildId, source });
  await given('build', buildId, { type: 'StartBuild', buildId, appId, sourceDigest: null });
  const processes = { web: { command: null }, ...more };
  const made = { image: anImage, processes, stack: 'image' } as const;
  await given('build', buildId, { type: 'SucceedBuild', ...made, durationMs: 1 });
  await platform.until(
    () => api.world.deployment(appId)?.target?.release.buildId === buildId,
    `release of ${buildId}`,
  );
  await completeRollout(platform, appId);
};

/** Brings what is wanted live, as a deployer without instances. */
export const completeRollout = async (
  { given, api }: TestPlatform,
  appId: string,
): Promise<void> => {
  const target = api.world.deployment(appId)?.target;
  if (target == null) throw new Error(`nothing to roll out for ${appId}`);
  const { rolloutId, generation, release } = target;
  await given('rollout', rolloutId, {
    type: 'StartRollout',
    rolloutId,
    appId,
    generation,
    version: release.version,
    fromVersion: null,
    deadline: '2030-01-01T00:00:00Z',
  });
  await given('rollout', rolloutId, { type: 'CompleteRollout' });
};
