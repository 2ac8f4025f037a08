// What an operator wants to know before choosing a platform, on a real one:
//   node bench/published.mjs [rounds]      needs `npm run build`; default 9 rounds
// failed requests per deploy and log lines lost: releases of an app of two instances under the load of architecture §9, while
// `shiplog logs --follow` runs; the app writes a line for each POST it executes. Rollback: from the command until the release before
// answers, and until everything of it is done. Push to live: from `git push` of a changed file until the new text is answered; the build
// has its dependencies at hand. Crash recovery: the program of an app of one instance is killed from inside; until it answers again.
// Idle memory: resident, of control plane, nats-server and proxy, with two apps at rest.
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connectEngine, LABEL } from '@shiplog/engine';
import { median, round, spread } from './lib/figures.mjs';
import { failuresOf, startLoad } from './lib/load.mjs';
import { BenchPlatform, ROOT, residentBytesOf } from './lib/platform.mjs';
import { atMost, fileSystemOf, published, report } from './lib/report.mjs';
import { waitFor } from './lib/wait.mjs';

const rounds = Number(process.argv[2] ?? 9);
const RELEASES = Math.max(2, rounds);
const IDLE_MS = 10_000;
/** After which the engine restarts a program that crashed as if it were the first time. */
const LONG_RUN_MS = 11_000;
const LINES_WITHIN_MS = 10_000;
const run = promisify(execFile);
const engine = connectEngine();
const platform = await BenchPlatform.create('published');
const folder = await mkdtemp(join(tmpdir(), 'shiplog-published-'));

const cliEnv = async (app) => ({
  ...platform.env,
  SHIPLOG_URL: `http://127.0.0.1:${platform.config.apiPort}`,
  SHIPLOG_TOKEN: (await platform.credentials()).token,
  SHIPLOG_APP: app,
});
const shiplog = async (app, ...args) =>
  run(join(ROOT, 'shiplog'), ['--json', ...args], { env: await cliEnv(app), maxBuffer: 1 << 26 });

/** One request on a connection of its own; undefined where it fails. */
const ask = (app, path = '/', body = undefined) =>
  new Promise((resolve) => {
    const { routerPort: port, domain } = platform.config;
    const headers = { host: `${app}.${domain}`, connection: 'close' };
    const method = body === undefined ? 'GET' : 'POST';
    const asked = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += chunk.toString('utf8')));
      answer.on('error', () => resolve(undefined));
      answer.on('end', () => resolve(answer.statusCode < 300 ? text : undefined));
    });
    asked.on('error', () => resolve(undefined)).end(body);
  });
const containersOf = (app, all) => {
  const label = [`shiplog.platform=${platform.name}`, LABEL.instance, `shiplog.app=${app}`];
  return engine.listContainers({ all, filters: { label } });
};
const since = (startedAt) => performance.now() - startedAt;
const figures = (ms) => ({ medianMs: Math.round(median(ms)), spread: spread(ms, 0) });
const said = (text) => process.stderr.write(`    ${text}\n`);

const idleMemory = async () => {
  await delay(IDLE_MS);
  const megabytes = async (pid) => Math.round((await residentBytesOf(pid)) / 1e6);
  const companions = await platform.companions();
  return {
    controlPlane: await megabytes(platform.pid),
    natsServerAndProxy: (await Promise.all(companions.map(megabytes))).reduce((a, b) => a + b, 0),
  };
};

/** Ids of POSTs whose line was shown; attached when the first one is. */
const followLines = async (app) => {
  const child = spawn(join(ROOT, 'shiplog'), ['logs', '--follow'], { env: await cliEnv(app) });
  const seen = new Map();
  let rest = '';
  child.stdout.on('data', (chunk) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const id = /LEDGER ([0-9a-f-]{36})/.exec(line)?.[1];
      if (id !== undefined) seen.set(id, (seen.get(id) ?? 0) + 1);
    }
  });
  await waitFor('logs to be followed', async () => {
    await ask(app, '/ledger', JSON.stringify({ id: randomUUID() }));
    return seen.size > 0;
  });
  return { seen, stop: () => child.kill('SIGINT') };
};

const releasesUnderLoad = async (app, appId) => {
  const lines = await followLines(app);
  const load = await startLoad(platform, app);
  const took = [];
  for (let i = 0; i < RELEASES; i += 1) {
    const startedAt = performance.now();
    await shiplog(app, 'config', 'set', `COLOUR=colour-${i}`);
    took.push(since(startedAt));
  }
  const told = await load.stop();
  const lost = () => told.answeredPosts.filter((id) => !lines.seen.has(id)).length;
  await waitFor('the last lines', () => lost() === 0, { timeoutMs: LINES_WITHIN_MS }).catch(
    () => undefined,
  );
  lines.stop();
  const failures = await failuresOf(engine, await containersOf(appId, true), told);
  said(`${RELEASES} releases: ${failures.length} of ${told.requests} requests failed`);
  return {
    deploys: RELEASES,
    deploy: figures(took),
    requests: told.requests,
    requestsPerSecond: told.rate,
    failed: failures.length,
    failures: failures.slice(0, 20),
    lines: told.answeredPosts.length,
    linesLost: lost(),
    linesTwice: [...lines.seen.values()].filter((count) => count > 1).length,
  };
};

const rollbacks = async (app) => {
  const answers = [];
  const done = [];
  for (let i = 0; i < rounds; i += 1) {
    const configNow = async () => JSON.parse((await ask(app)) ?? '{}').config;
    const before = await configNow();
    const startedAt = performance.now();
    const rollingBack = shiplog(app, 'rollback').then(() => done.push(since(startedAt)));
    await waitFor('the release before', async () => {
      const now = await configNow();
      return now !== undefined && now !== before;
    });
    answers.push(since(startedAt));
    await rollingBack;
  }
  said(`rollback: answers after ${Math.round(median(answers))} ms`);
  return { answers: figures(answers), done: figures(done) };
};

const pushes = async (app) => {
  const source = join(folder, app);
  await cp(join(ROOT, 'samples/hello'), source, { recursive: true });
  const server = await readFile(join(source, 'server.js'), 'utf8');
  const { token } = await platform.credentials();
  const auth = `Authorization: Basic ${Buffer.from(`x:${token}`).toString('base64')}`;
  const git = (...args) =>
    run('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@example.invalid', ...args], {
      cwd: source,
      env: {
        ...process.env,
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'http.extraHeader',
        GIT_CONFIG_VALUE_0: auth,
      },
    });
  await git('init', '--quiet', '--initial-branch', 'main');
  const url = `http://127.0.0.1:${platform.config.apiPort}/git/${app}.git`;
  const live = [];
  // The first push makes what later ones have at hand.
  for (let i = 0; i <= rounds; i += 1) {
    const greeting = `release-${i}-of-the-benchmark`;
    await writeFile(
      join(source, 'server.js'),
      server.replaceAll('process.env.GREETING', `'${greeting}'`),
    );
    await git('add', '--all');
    await git('commit', '--quiet', '--message', greeting);
    const startedAt = performance.now();
    const pushing = git('push', '--quiet', url, 'HEAD:refs/heads/main');
    await Promise.all([
      pushing,
      waitFor('the new text', async () => (await ask(app))?.includes(greeting) === true).then(
        () => {
          if (i > 0) live.push(since(startedAt));
        },
      ),
    ]);
  }
  said(`push to live: ${Math.round(median(live))} ms`);
  return figures(live);
};

/** The engine's init runs the program as its only child. */
const programOf = async (containerId) => {
  const { Pid } = (await engine.getContainer(containerId).inspect()).State;
  return Number((await readFile(`/proc/${Pid}/task/${Pid}/children`, 'utf8')).trim().split(' ')[0]);
};

const crashes = async (app, appId) => {
  const took = [];
  for (let i = 0; i < rounds; i += 1) {
    await delay(LONG_RUN_MS);
    const [{ Id }] = await containersOf(appId, false);
    const pid = await programOf(Id);
    const startedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    await waitFor('it to be dead', async () => {
      const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      return status === '' || /\) [ZX]/.test(status);
    });
    await waitFor('an answer', async () => (await ask(app)) !== undefined);
    took.push(since(startedAt));
  }
  said(`crash recovery: ${Math.round(median(took))} ms`);
  return figures(took);
};

try {
  await platform.start();
  const idOf = async (app) => JSON.parse((await shiplog(app, 'apps', 'show')).stdout).id;
  for (const app of ['ledger', 'hello']) await shiplog(app, 'apps', 'create', app);
  await shiplog('ledger', 'deploy', join(ROOT, 'test/support/apps/ledger'));
  const pushToLive = await pushes('hello');
  await shiplog('ledger', 'scale', 'web=2');
  // Open streams would hold every old instance for the whole drain time.
  await shiplog('ledger', 'settings', 'set', 'drain=6');
  const memory = await idleMemory();
  const underLoad = await releasesUnderLoad('ledger', await idOf('ledger'));
  const rollback = await rollbacks('ledger');
  const crashRecovery = await crashes('hello', await idOf('hello'));
  const { ServerVersion, Driver, CgroupVersion } = await engine.info();
  report({
    bench: 'published',
    versions: { engine: ServerVersion },
    storage: {
      fileSystem: fileSystemOf('/var/lib'),
      fsync: 'before every acknowledgement (sync_interval: always)',
      engine: `${Driver}, cgroup v${CgroupVersion}`,
    },
    rounds,
    underLoad,
    rollback,
    pushToLive,
    crashRecovery,
    idleMegabytes: memory,
    targets: [
      atMost('failed requests per deploy', round(underLoad.failed / underLoad.deploys), 0),
      published('rollback: the release before answers', rollback.answers.medianMs, 'ms'),
      published('`git push` → the new release answers', pushToLive.medianMs, 'ms'),
      published('crash → answers again, one instance', crashRecovery.medianMs, 'ms'),
      atMost('idle memory: control plane', memory.controlPlane, 200, 'MB'),
      published('idle memory: nats-server and proxy', memory.natsServerAndProxy, 'MB'),
      atMost(`log lines lost, of ${underLoad.lines}`, underLoad.linesLost, 0),
    ],
  });
} finally {
  await rm(folder, { recursive: true, force: true });
  await platform.destroy();
}
