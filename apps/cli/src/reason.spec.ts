import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CATALOGUE } from './catalogue.js';
import type { CommandSpec } from './command.js';
import { startFakeApi, type Received } from './testing/fake-api.js';
import { shop, web1 } from './testing/fixtures.js';
import { runCli } from './testing/run-cli.js';

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name?: string; readonly $ref?: string }[];
}
const document = JSON.parse(
  await readFile(new URL('../../../libs/api-client/openapi.json', import.meta.url), 'utf8'),
) as { paths: Record<string, Record<string, Operation>> };

/** Operations that write a reason into the log, as the API describes itself. */
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([, operation]) => JSON.stringify(operation).includes('Reason'))
    .map(([method, { operationId }]) => ({
      id: operationId,
      method: method.toUpperCase(),
      pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    })),
);
const operationOf = ({ method, url }: Received): string | undefined =>
  operations.find((one) => one.method === method && one.pattern.test(url.split('?')[0] ?? ''))?.id;

const all: readonly (readonly [string, CommandSpec])[] = (
  await Promise.all(
    CATALOGUE.map(async (entry) => {
      const loaded = await entry.load();
      if (!('commands' in loaded)) return [[loaded.name, loaded] as const];
      return loaded.commands.map((spec) => [`${loaded.name} ${spec.name}`, spec] as const);
    }),
  )
).flat();

/** Every command that changes something by the API, how it is typed, and what it asks the API for. */
const CHANGES: Readonly<Record<string, readonly [args: string, ...operations: string[]]>> = {
  'apps create': ['shop', 'createApp'],
  'apps destroy': ['shop --confirm shop', 'destroyApp'],
  restart: ['-a shop --no-wait', 'restartApp'],
  stop: ['-a shop --no-wait', 'stopApp'],
  start: ['-a shop --no-wait', 'startApp'],
  deploy: ['SOURCE -a shop --no-wait', 'uploadSource', 'requestBuild'],
  'builds cancel': ['b1 -a shop', 'cancelBuild'],
  'deploys cancel': ['d1 -a shop', 'cancelDeploy'],
  'releases promote': ['v3 -a shop --to other --no-wait', 'promoteRelease'],
  'deploys promote': ['d1 -a shop --next', 'promoteDeploy'],
  'deploys abort': ['d1 -a shop', 'cancelDeploy'],
  rollback: ['v1 -a shop --no-wait', 'rollBack'],
  'git-url': ['-a shop', 'createGitUrl'],
  resize: ['web=1G -a shop --no-wait', 'resizeProcess'],
  scale: ['web=2 -a shop --no-wait', 'scaleApp'],
  'config set': ['A=1 -a shop --no-wait', 'changeConfig'],
  'config unset': ['A -a shop --no-wait', 'changeConfig'],
  'config import': ['ENV -a shop --no-wait', 'changeConfig'],
  'settings set': ['port=3000 -a shop --no-wait', 'changeSettings'],
  'traffic-policy set': ['rate=20/second -a shop', 'changeTrafficPolicy'],
  'traffic-policy unset': ['rate -a shop', 'changeTrafficPolicy'],
  'basic-auth set': ['ann -a shop', 'changeBasicAuth'],
  'basic-auth unset': ['ann -a shop', 'changeBasicAuth'],
  'basic-auth header': ['pass -a shop', 'changeBasicAuth'],
  'domains check': ['www.example.com -a shop', 'checkDomain'],
  'domains add': ['www.example.com -a shop --no-wait', 'addDomain'],
  'ports add': ['32100 -a shop --no-wait', 'addPort'],
  'ports remove': ['32100 -a shop --no-wait', 'removePort'],
  'domains remove': ['www.example.com -a shop --no-wait', 'removeDomain'],
  'certs add': ['www.example.com --cert ENV --key ENV', 'addCertificate'],
  'certs remove': ['www.example.com', 'removeCertificate'],
  'certs https': ['-a shop --redirect', 'changeHttpsPolicy'],
  'runs stop': ['r1 -a shop', 'stopRun'],
  'cron set': ['nightly @daily clean -a shop', 'setCronJob'],
  'cron remove': ['nightly -a shop', 'removeCronJob'],
  'cron run': ['nightly -a shop', 'runCronJob'],
  'volumes add': ['data /data --size 1G -a shop --no-wait', 'addVolume'],
  'volumes resize': ['data 2G -a shop', 'changeVolume'],
  'volumes mount': ['data /srv -a shop --no-wait', 'changeVolume'],
  'volumes backup': ['data -a shop --exclude', 'changeVolumeBackup'],
  'volumes recreate': ['data --confirm data -a shop --no-wait', 'recreateVolume'],
  'volumes remove': ['data --confirm data -a shop', 'removeVolume'],
  'volumes purge': ['vol_1 --confirm data', 'removeKeptVolume'],
  lock: ['-a shop', 'lockApp'],
  unlock: ['-a shop', 'unlockApp'],
  'maintenance on': ['-a shop', 'beginMaintenance'],
  'maintenance off': ['-a shop', 'endMaintenance'],
  'freeze add': ['nights --cron @daily --for 1h -a shop', 'addFreeze'],
  'freeze add --platform': ['nights --cron @daily --for 1h', 'addPlatformFreeze'],
  'freeze remove': ['nights -a shop', 'removeFreeze'],
  'freeze remove --platform': ['nights', 'removePlatformFreeze'],
  'keys rotate': ['', 'rotateMasterKey'],
  'audit erase': ['ann --confirm ann', 'erasePerson'],
  'gc policy': ['--exited-kept 3', 'changeGarbagePolicy'],
  'backup create': ['--to /mnt/backup', 'createBackup'],
  'backup schedule': ['off', 'changeBackupPolicy'],
  'backup verify': ['', 'verifyBackup'],
  rebuild: ['--no-wait', 'startRebuild'],
  'rebuild --cancel': ['', 'cancelRebuild'],
  'gc run': ['', 'collectGarbage'],
  'audit rotate-key': ['', 'rotateSigningKey'],
  undo: ['42 --yes --no-wait', 'undoChange'],
  'tokens create': ['laptop', 'createToken'],
  'tokens revoke': ['tok_1', 'revokeToken'],
};
const NAMES = Object.keys(CHANGES).filter((name) => !name.includes('--'));
/** For others: the CLI begins a rebuild and watches it. */
const NOT_ASKED = ['rebuildReadModels'];
/** Its reason is for the apps that it stops one by one. */
const LOCAL = ['down'];
/** Terminals: WebSockets. */
const TERMINALS: Readonly<Record<string, string>> = {
  run: '-a shop -- ls',
  exec: 'web -a shop -- ls',
};

/** Whoever adds a command says here that it writes nothing into the log, or it takes `-m`. */
const CHANGE_NOTHING: readonly string[] = [
  ...[
    'traffic-policy show',
    'basic-auth show',
    'apps list',
    'certs list',
    'certs show',
    'apps show',
    'open',
    'maintenance status',
    'traffic',
    'ps',
    'limits',
    'logs',
    'nodes list',
    'events',
    'why',
    'doctor',
    'replay show',
    'replay check',
  ],
  ...['builds list', 'builds show', 'builds output', 'deploys list', 'deploys show'],
  ...['releases list', 'releases show', 'config list', 'config get', 'settings show'],
  ...['runs list', 'runs show', 'cron list', 'cron history', 'freeze list'],
  ...['volumes list', 'volumes show', 'volumes kept'],
  ...['domains list', 'ports list', 'tokens list', 'keys list', 'gc preview', 'backup list'],
  ...[
    'audit list',
    'audit export',
    'audit verify',
    'audit key',
    'log export',
    'log copy',
    'whoami',
    'version',
  ],
  // Of this machine.
  ...['git remote', 'git-credential', 'login', 'context list', 'context use', 'completion'],
  ...['__complete', 'backup restore'],
];

const undoable = {
  ...{ outcome: 'possible', plan: 'p1', app: null, by: 'ann', reason: null, settles: false },
  ...{ time: '2026-11-21T10:00:00.000Z', events: ['TokenCreated'], commands: [], restores: [] },
  ...{ causes: [], leaves: [], overwrites: [] },
};

/** Answers whatever is asked so that a change goes as far as it can. */
const answers = (request: Received): object => {
  const [path = ''] = request.url.split('?');
  if (path.endsWith('/v1/tokens') && request.method === 'GET') return [{ id: 'tok_1', name: 'x' }];
  if (path.includes('/undo/')) return { ...undoable, sequence: '42' };
  if (path.endsWith('/sources')) return { digest: `sha256:${'a'.repeat(64)}`, sizeBytes: 1 };
  if (path.endsWith('/gc/policy')) return { exitedKept: 3, minimumAgeSeconds: 60 };
  return { ...shop, sequence: '00000000000000000042-0000', buildId: 'b1', entries: [], keys: [] };
};

const typed = async (name: string, args: string): Promise<readonly string[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'shiplog-reason-'));
  await writeFile(join(folder, 'package.json'), '{}');
  await writeFile(join(folder, '.env'), 'A=1\n');
  const words = [...name.split(' '), ...args.split(' ').filter((word) => word !== '')];
  const places: Readonly<Record<string, string>> = { SOURCE: folder, ENV: join(folder, '.env') };
  return words.map((word) => places[word] ?? word);
};

const receivedOf = async (argv: readonly string[]): Promise<readonly Received[]> => {
  const routes = new Proxy(
    {},
    {
      get: () => (response: import('node:http').ServerResponse, request: Received) => {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify(answers(request)));
      },
    },
  );
  const api = await startFakeApi(routes);
  try {
    await runCli(argv, { url: api.url, isImpatient: true });
    return api.received;
  } finally {
    await api.close();
  }
};

describe('-m', () => {
  it('is taken by every command but those that change nothing', () => {
    expect(all.map(([name]) => name).toSorted()).toEqual(
      [...NAMES, ...LOCAL, ...Object.keys(TERMINALS), ...CHANGE_NOTHING].toSorted(),
    );
    const taking = all.filter(([, { takes }]) => takes?.includes('reason') === true);
    expect(taking.map(([name]) => name).toSorted()).toEqual(
      [...NAMES, ...LOCAL, ...Object.keys(TERMINALS)].toSorted(),
    );
  });

  it('is for every operation of the API that writes a reason into the log', () => {
    const asked = Object.values(CHANGES).flatMap(([, ...ids]) => ids);
    expect([...new Set([...asked, ...NOT_ASKED])].toSorted()).toEqual(
      operations.map(({ id }) => id).toSorted(),
    );
  });

  it.each(Object.entries(CHANGES))('of %s goes to the API', async (name, [args, ...ids]) => {
    const argv = [...(await typed(name, args)), '-m', 'Grüße, 100 %'];
    const changes = (await receivedOf(argv)).filter((one) => operationOf(one) !== undefined);
    expect([...new Set(changes.map(operationOf))]).toEqual(ids);
    // What a source is uploaded for stands in the log with the build that it is for.
    for (const { headers, url } of changes.filter((one) => operationOf(one) !== 'uploadSource')) {
      expect(decodeURIComponent(String(headers['shiplog-reason'])), url).toBe('Grüße, 100 %');
    }
  });

  it('of down goes with the stop of every app', async () => {
    const home = await mkdtemp(join(tmpdir(), 'shiplog-reason-'));
    const platform = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const apps = ['a1', 'a2'].map((id) => ({ ...shop, id, state: 'running' }));
    const api = await startFakeApi({
      'GET /v1/apps': apps,
      'POST /v1/apps/a1/stop': { sequence: '1' },
      'POST /v1/apps/a2/stop': { sequence: '1' },
    });
    try {
      await mkdir(join(home, 'platform'));
      const ready = { api: api.url, pid: platform.pid };
      await writeFile(join(home, 'platform/ready.json'), JSON.stringify(ready));
      await writeFile(join(home, 'platform/credentials.json'), '{"token":"shp_test"}');
      await runCli(['down', '--apps', '-m', 'moving house'], { home, isImpatient: true });
      const stops = api.received.filter(({ method }) => method === 'POST');
      expect(stops.map(({ headers }) => headers['shiplog-reason'])).toEqual(
        apps.map(() => encodeURIComponent('moving house')),
      );
    } finally {
      platform.kill();
      await api.close();
    }
  });

  it.each(Object.entries(TERMINALS))('of %s goes with the request for it', async (name, args) => {
    const api = await startFakeApi({ 'GET /v1/apps/shop/instances': [web1] });
    const reasons: unknown[] = [];
    api.server.on('upgrade', ({ headers }, socket) => {
      reasons.push(headers['shiplog-reason']);
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
    });
    try {
      const argv = [name, '-m', 'why slow', ...args.split(' ')];
      await runCli(argv, { url: api.url, isImpatient: true });
      expect(reasons).toEqual(['why%20slow']);
    } finally {
      await api.close();
    }
  });
});
