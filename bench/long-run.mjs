// Steady load through everything that happens to a platform: which requests fail that a correct client could not know to repeat.
//   node bench/long-run.mjs [requests] [seconds of an outage] [requests a second] [at most seconds]
//   needs `npm run build`; default 50000 20 1500, for as long as it takes
// A real platform, each process on its own, two instances of test/support/apps/ledger. Round after round: a release, a scale, a
// reload of HAProxy, `kill -9` of router-sync and of the api in the middle of a release, of the deployer, of nats-server and of HAProxy; after the
// first round an outage of NATS and one of the whole control plane, each that long. It ends when so many requests were made.
// The client is bench/lib/long-load.mjs. POSTs without `Idempotency-Key` on connections to a HAProxy that is killed nobody can save: counted apart,
// and only where such a connection was lost in the moment of the kill.
import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connectEngine } from '@shiplog/engine';
import { ensureNatsServer } from '@shiplog/provisioner';
import { reload } from '../apps/router-sync/dist/haproxy/process.js';
import { routerPaths } from '../apps/router-sync/dist/routes/router-paths.js';
import { median, spread } from './lib/figures.mjs';
import { followLedgers, wrongIn } from './lib/ledgers.mjs';
import { BenchPlatform, ROOT } from './lib/platform.mjs';
import { atLeast, atMost, fileSystemOf, published, report } from './lib/report.mjs';
import { SeparateProcesses } from './lib/separate-processes.mjs';
import { waitFor } from './lib/wait.mjs';

const APP = 'ledger';
/** Connections that a killed HAProxy had are known to be lost by then. */
const CUT_WITHIN_MS = 2_000;
const BACK_WITHIN_MS = 180_000;
const [requests = 50_000, outageSeconds = 20, rate = 1_500, secondsMax = Infinity] = process.argv
  .slice(2)
  .map(Number);
const run = promisify(execFile);
const engine = connectEngine();
const platform = await BenchPlatform.create('longrun');
const processes = new SeparateProcesses(platform);
platform.beforeTheEnd = () => processes.end();
const paths = routerPaths(platform.config, platform.env);
const said = (text) => process.stderr.write(`    ${text}\n`);

const shiplog = async (...args) => {
  const { token } = await platform.credentials();
  const url = `http://127.0.0.1:${platform.config.apiPort}`;
  const env = { ...platform.env, SHIPLOG_URL: url, SHIPLOG_TOKEN: token, SHIPLOG_APP: APP };
  return run(join(ROOT, 'shiplog'), ['--json', ...args], { env, maxBuffer: 1 << 26 });
};
/** What answers now; undefined where nothing does. */
const answering = () =>
  new Promise((resolve) => {
    const { routerPort: port, domain } = platform.config;
    const options = {
      host: '127.0.0.1',
      port,
      agent: false,
      headers: { host: `${APP}.${domain}` },
    };
    get(options, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += chunk));
      answer.on('error', () => resolve(undefined));
      answer.on('end', () => resolve(answer.statusCode === 200 ? JSON.parse(text) : undefined));
    }).on('error', () => resolve(undefined));
  });
const within = { timeoutMs: BACK_WITHIN_MS, everyMs: 20 };

const startLoad = () => {
  const host = `${APP}.${platform.config.domain}`;
  const file = join(platform.home, 'posts.bin');
  const program = join(ROOT, 'bench/lib/long-load.mjs');
  const child = spawn(
    process.execPath,
    [program, String(platform.config.routerPort), host, APP, String(rate), file],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = new Promise((resolve) => child.once('close', resolve));
  const load = {
    isThere: () => child.exitCode === null && child.signalCode === null,
    now: { requests: 0, done: 0, repeated: 0, failedCount: 0 },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      return { ...load.now, fates: await readFile(file) };
    },
  };
  createInterface(child.stdout).on('line', (line) => (load.now = JSON.parse(line)));
  return load;
};

let colours = 0;
const release = async () => {
  colours += 1;
  await shiplog('config', 'set', `COLOUR=colour-${colours}`);
};
/** A command whose server is killed may have been carried out or not; the next release counts. */
const releaseAnyhow = () => release().catch(() => undefined);
const back = (what) => waitFor(what, async () => (await answering()) !== undefined, within);

/** When it was killed, and when the last of its processes was gone. */
const haproxyKills = [];
const isDead = async (pid) => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat === undefined || /\) [ZX] /.test(stat);
};
const COUNTS = [4, 2, 3, 2];
let scaled = 0;
const DISTURBANCES = {
  release: async () => {
    await release();
    const isNew = async () => (await answering())?.config === `colour-${colours}`;
    await waitFor('an answer of the new release', isNew, within);
  },
  scale: async () => {
    await shiplog('scale', `web=${COUNTS[scaled % COUNTS.length]}`);
    scaled += 1;
  },
  'reload of HAProxy': () => reload(paths),
  'kill of router-sync in a release': async () => {
    const releasing = releaseAnyhow();
    await delay(300 + Math.random() * 700);
    await processes.kill('router-sync');
    processes.run('router-sync');
    await releasing;
  },
  'kill of the api in a release': async () => {
    const releasing = releaseAnyhow();
    await delay(300 + Math.random() * 700);
    await processes.kill('api');
    processes.run('api');
    await Promise.all([releasing, processes.ready()]);
  },
  'kill of the deployer in a release': async () => {
    const releasing = releaseAnyhow();
    await delay(300 + Math.random() * 700);
    await processes.kill('deployer');
    processes.run('deployer');
    await releasing;
  },
  'kill of nats-server': async () => {
    process.kill(await platform.natsServer(), 'SIGKILL');
    await ensureNatsServer(platform.config);
    await processes.ready();
  },
  'kill of HAProxy': async () => {
    const nats = await platform.natsServer();
    const pids = (await platform.companions()).filter((pid) => pid !== nats);
    const from = Date.now();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    while (!(await Promise.all(pids.map(isDead))).every(Boolean)) await delay(1);
    haproxyKills.push({ from, to: Date.now() });
    await back('HAProxy to answer again');
  },
};
const OUTAGES = {
  'outage of NATS': async () => {
    process.kill(await platform.natsServer(), 'SIGKILL');
    await delay(outageSeconds * 1000);
    await ensureNatsServer(platform.config);
    await processes.ready();
    await release();
  },
  'outage of the control plane': async () => {
    await processes.killAll();
    await delay(outageSeconds * 1000);
    processes.runAll();
    await processes.ready();
    await release();
  },
};

/** By what happened: how often, for how long, and what became of requests meanwhile. */
const results = {};
const disturb = async (load, name, disturbance) => {
  const before = load.now;
  const startedAt = performance.now();
  await disturbance();
  // Its figures come once a second.
  await delay(1_100);
  if (!load.isThere()) throw new Error('the load ended by itself');
  const { now } = load;
  const result = (results[name] ??= { count: 0, seconds: [], requests: 0, repeated: 0, failed: 0 });
  result.count += 1;
  result.seconds.push((performance.now() - startedAt) / 1000 - 1.1);
  result.requests += now.requests - before.requests;
  result.repeated += now.repeated - before.repeated;
  result.failed += now.failedCount - before.failedCount;
  said(
    `${name}: ${now.requests} requests, ${now.repeated} repeated by the client, ${now.failedCount} failed so far`,
  );
};

/**
 * Its connection was one to the HAProxy that was killed: nobody else had any before it was dead, and the client hears of it
 * some milliseconds later, when it may just have sent the next request there.
 */
const killOf = ({ openedAtMs, to, what, problem }) =>
  what.startsWith('POST') && /^(?:ECONNRESET|EPIPE|closed)$/.test(problem)
    ? haproxyKills.find(
        (kill) => openedAtMs <= kill.to && kill.from <= to && to <= kill.to + CUT_WITHIN_MS,
      )
    : undefined;

try {
  await processes.start();
  await shiplog('apps', 'create', APP);
  await shiplog('deploy', join(ROOT, 'test/support/apps/ledger'));
  await shiplog('scale', 'web=2');
  await shiplog('settings', 'set', 'drain=6');
  await back('the app to answer');
  const ledgers = followLedgers(engine, platform.name, Math.ceil(requests / 2) + 1_000_000);
  const load = startLoad();
  const startedAt = performance.now();
  const isOver = () =>
    load.now.requests >= requests || performance.now() - startedAt > secondsMax * 1000;
  for (let round = 0; round === 0 || !isOver(); round += 1) {
    for (const [name, disturbance] of Object.entries(DISTURBANCES)) {
      if (round > 0 && isOver()) break;
      await disturb(load, name, disturbance);
    }
    if (round > 0) continue;
    for (const [name, outage] of Object.entries(OUTAGES)) await disturb(load, name, outage);
  }
  const { fates, ...told } = await load.stop();
  const isComplete = () => wrongIn(fates, ledgers.counts).lost.length === 0;
  await waitFor('the last lines of the ledgers', isComplete).catch(() => undefined);
  await ledgers.stop();
  const { twice, lost } = wrongIn(fates, ledgers.counts);
  const cut = told.failed.filter((failure) => killOf(failure) !== undefined);
  const failed = told.failed.filter((failure) => killOf(failure) === undefined);
  // Beyond those that are told one by one.
  const untold = told.failedCount - told.failed.length;
  const { ServerVersion, Driver, CgroupVersion } = await engine.info();
  report({
    bench: 'long-run',
    versions: { engine: ServerVersion },
    storage: {
      fileSystem: fileSystemOf('/var/lib'),
      fsync: 'before every acknowledgement (sync_interval: always)',
      engine: `${Driver}, cgroup v${CgroupVersion}`,
    },
    outageSeconds,
    requests: told.requests,
    posts: told.posts,
    requestsPerSecond: Math.round(told.requests / told.seconds),
    seconds: Math.round(told.seconds),
    p50Ms: told.p50Ms,
    p99Ms: told.p99Ms,
    repeatedByTheClient: told.repeated,
    happened: Object.fromEntries(
      Object.entries(results).map(([name, { seconds, ...counts }]) => [
        name,
        {
          ...counts,
          medianSeconds: Math.round(median(seconds) * 10) / 10,
          spread: spread(seconds, 1),
        },
      ]),
    ),
    postsCutByAKillOfHaproxy: cut.length,
    killsOfHaproxy: haproxyKills.map((kill) => ({
      at: new Date(kill.from).toISOString(),
      deadAfterMs: kill.to - kill.from,
      cut: cut.filter((one) => killOf(one) === kill).length,
    })),
    failed: failed.slice(0, 20),
    executedTwice: twice.slice(0, 20),
    answeredButNotExecuted: lost.slice(0, 20),
    processesThatEndedByThemselves: processes.ended,
    targets: [
      atLeast('requests', told.requests, requests),
      atMost('failed, and a correct client could not know to repeat it', failed.length + untold, 0),
      published('POSTs without a key on connections to a HAProxy that was killed', cut.length),
      atMost('POSTs without a key executed twice', twice.length, 0),
      atMost('POSTs answered and not executed', lost.length, 0),
      atMost('processes of the control plane that ended by themselves', processes.ended.length, 0),
    ],
  });
} finally {
  await platform.destroy();
}
process.exit();
