// Rolling releases, rollbacks, scales and canaries under load, one after the other: how many requests fail.
//   node bench/releases.mjs [releases] [rollbacks] [scales] [canaries]     needs `npm run build`; default 200 50 50 20
// Load as architecture §9 has it: another process, 32 connections, 220 requests/s, keep-alive on and off, one in five a POST,
// answers of 2 to 5 s, a WebSocket and an event stream. An app keeps a ledger of what it executed; ledgers are read after every
// ten changes, while the containers of all of them are kept. Each release is seen to answer before the next one. A control run at
// the end, without draining and grace, has to fail requests: what cannot fail shows nothing.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectEngine, LABEL } from '@shiplog/engine';
import { median, round, spread } from './lib/figures.mjs';
import { failuresOf, startLoad } from './lib/load.mjs';
import { BenchPlatform, ROOT } from './lib/platform.mjs';
import { proxyRetries } from './lib/proxy-retries.mjs';
import { atLeast, atMost, fileSystemOf, report } from './lib/report.mjs';
import { waitFor } from './lib/wait.mjs';

const APP = 'ledger';
const AT_ONCE = 10;
const DEFAULTS = [200, 50, 50, 20];
const [releases, rollbacks, scales, canaries] = DEFAULTS.map((count, i) =>
  Number(process.argv[2 + i] ?? count),
);
const run = promisify(execFile);
const engine = connectEngine();
const platform = await BenchPlatform.create('releases');

const shiplog = async (...args) => {
  const { token } = await platform.credentials();
  const url = `http://127.0.0.1:${platform.config.apiPort}`;
  const env = { ...platform.env, SHIPLOG_URL: url, SHIPLOG_TOKEN: token, SHIPLOG_APP: APP };
  return (await run(join(ROOT, 'shiplog'), ['--json', ...args], { env, maxBuffer: 1 << 26 }))
    .stdout;
};
const containers = () => {
  const label = [`shiplog.platform=${platform.name}`, LABEL.instance];
  return engine.listContainers({ all: true, filters: { label } });
};
const answeredBy = async () => {
  const { routerPort, domain } = platform.config;
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const headers = { host: `${APP}.${domain}`, connection: 'close' };
    const asked = request({ port: routerPort, host: '127.0.0.1', headers }, (answer) => {
      let body = '';
      answer.on('data', (chunk) => (body += chunk.toString('utf8')));
      answer.on('end', () => resolve(JSON.parse(body)));
    });
    asked.on('error', reject).end();
  });
};

let colours = 0;
const release = async () => {
  colours += 1;
  const colour = `colour-${colours}`;
  await shiplog('config', 'set', `COLOUR=${colour}`);
  // Others of the canary's last step may be under way still.
  await waitFor(`an answer of ${colour}`, async () => (await answeredBy()).config === colour);
};
const rollback = async () => {
  const before = (await answeredBy()).config;
  await shiplog('rollback');
  await waitFor('an answer of another release', async () => (await answeredBy()).config !== before);
};
const COUNTS = [5, 2, 4, 1, 3];
let scaled = 0;
const scale = async () => {
  const web = COUNTS[scaled % COUNTS.length];
  scaled += 1;
  await shiplog('scale', `web=${web}`);
};
const CANARY = ['strategy=canary', 'canary-steps=30', 'canary-step=1s', 'canary-requests=20'];
const WITHOUT_DRAINING = ['strategy=rolling', 'drain=0', 'grace=0'];
const CONTROL = 'releases without draining';
const KINDS = [
  { name: 'rolling releases', count: releases, change: release },
  { name: 'rollbacks', count: rollbacks, change: rollback },
  { name: 'scales', count: scales, change: scale },
  { name: 'canaries', count: canaries, settings: CANARY, change: release },
  { name: CONTROL, count: 3, settings: WITHOUT_DRAINING, change: release },
];

const total = { requests: 0, posts: 0, seconds: 0, failures: [] };
const results = {};
const under = async (changes) => {
  const load = await startLoad(platform, APP);
  try {
    await changes();
  } finally {
    const told = await load.stop();
    total.requests += told.requests;
    total.posts += told.posts;
    total.seconds += told.seconds;
    total.p99Ms = Math.max(total.p99Ms ?? 0, told.p99Ms);
    total.failures.push(...(await failuresOf(engine, await containers(), told)));
  }
};

try {
  await platform.start();
  await shiplog('apps', 'create', APP);
  await shiplog('deploy', join(ROOT, 'test/support/apps/ledger'));
  // Open streams would hold every old instance for the whole drain time.
  await shiplog('settings', 'set', 'drain=6');
  await release();
  for (const { name, count, settings, change } of KINDS) {
    if (settings !== undefined) await shiplog('settings', 'set', ...settings);
    const seconds = [];
    const failedBefore = total.failures.length;
    for (let done = 0; done < count; done += AT_ONCE) {
      await under(async () => {
        for (let i = done; i < Math.min(count, done + AT_ONCE); i += 1) {
          const startedAt = performance.now();
          await change();
          seconds.push((performance.now() - startedAt) / 1000);
        }
      });
      process.stderr.write(
        `    ${name}: ${Math.min(count, done + AT_ONCE)} of ${count}, ${total.failures.length} failed so far\n`,
      );
    }
    const failed = total.failures.length - failedBefore;
    const figures =
      count === 0 ? {} : { medianSeconds: round(median(seconds)), spread: spread(seconds) };
    const failures = total.failures.slice(failedBefore, failedBefore + 5);
    results[name] = { count, failed, ...figures, failures };
  }
  const { ServerVersion, Driver, CgroupVersion } = await engine.info();
  const rate = total.requests / total.seconds;
  report({
    bench: 'releases',
    versions: { engine: ServerVersion },
    storage: {
      fileSystem: fileSystemOf('/var/lib'),
      fsync: 'before every acknowledgement (sync_interval: always)',
      engine: `${Driver}, cgroup v${CgroupVersion}`,
    },
    ...results,
    requests: total.requests,
    posts: total.posts,
    requestsPerSecond: Math.round(rate),
    slowestP99Ms: total.p99Ms,
    proxyRetries: await proxyRetries(platform),
    targets: [
      ...Object.entries(results).map(([name, { count, failed }]) =>
        name === CONTROL
          ? atLeast(`failed requests of ${count} ${name}`, failed, 1)
          : atMost(`failed requests of ${count} ${name}`, failed, 0),
      ),
      atLeast('requests a second meanwhile', rate, 200),
    ],
  });
} finally {
  await platform.destroy();
}
