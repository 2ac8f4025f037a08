// How a platform does whose log is years old: 10,000,000 events, most of them of apps that are long gone.
//   node bench/archive.mjs HOME fill [events]       writes the log; about six minutes and 8 GB
//   node bench/archive.mjs HOME grow                the first start on it
//   node bench/archive.mjs HOME ask                 later starts, queries, commands, memory
//   node bench/archive.mjs HOME rebuild             `shiplog rebuild`
//   node bench/archive.mjs HOME at                  looks into the past (`--at`)
//   node bench/archive.mjs HOME verify              `shiplog audit verify`
//   node bench/archive.mjs HOME cut                 kills everything with -9, and starts
//   node bench/archive.mjs HOME report              prints the figures of all of them
//   node bench/archive.mjs HOME destroy             removes it, containers and files
// Not part of `npm run bench`: docs/decisions/0013 has what came out. Needs `npm run build`.
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ensureNatsServer } from '@shiplog/provisioner';
import { derivedPathsOf, pathsOf } from '@shiplog/runtime';
import { latencyFigures, round } from './lib/figures.mjs';
import { fillRaw, longLog } from './lib/long-log.mjs';
import { lookAround } from './lib/looks.mjs';
import { BenchPlatform, residentBytesOf } from './lib/platform.mjs';
import { fileSystemOf, report } from './lib/report.mjs';

const START_WITHIN_MS = 30 * 60_000;
const [given, phase, count = '10000000'] = process.argv.slice(2);
const NAMES = ['fill', 'grow', 'ask', 'rebuild', 'at', 'verify', 'cut', 'report', 'destroy'];
if (given === undefined || !NAMES.includes(phase)) {
  console.error(`node bench/archive.mjs HOME ${NAMES.join('|')}`);
  process.exit(2);
}
const home = resolve(given);
await mkdir(home, { recursive: true });
const stateFile = join(home, 'bench-archive.json');
const known = JSON.parse(await readFile(stateFile, 'utf8').catch(() => '{}'));
const platform = await BenchPlatform.in(home, 'bench-archive');
if (known.ports !== undefined) {
  Object.assign(platform.env, known.ports);
  platform.config = { ...platform.config, apiPort: Number(known.ports.SHIPLOG_API_PORT) };
}
const remember = (more) => {
  Object.assign(known, more);
  return writeFile(stateFile, JSON.stringify(known));
};

const megabytes = (bytes) => Math.round(bytes / 1e6);
const sizeOf = (path) => {
  try {
    return Number(execFileSync('du', ['-sb', path], { encoding: 'utf8' }).split('\t')[0]);
  } catch {
    return 0;
  }
};
const timed = async (work) => {
  const startedAt = performance.now();
  await work();
  return Math.round(performance.now() - startedAt);
};
const latencies = async (rounds, work) => {
  const times = [];
  for (let i = 0; i < rounds; i += 1) {
    const startedAt = performance.now();
    await work(i);
    times.push(performance.now() - startedAt);
  }
  return latencyFigures(times);
};

const fill = async () => {
  const { SHIPLOG_API_PORT, SHIPLOG_ROUTER_PORT, SHIPLOG_NATS_PORT } = platform.env;
  await remember({ ports: { SHIPLOG_API_PORT, SHIPLOG_ROUTER_PORT, SHIPLOG_NATS_PORT } });
  const startedAt = performance.now();
  const filled = await fillRaw(platform.config, longLog({ events: Number(count) }));
  await remember({
    filled: { ...filled, seconds: Math.round((performance.now() - startedAt) / 1000) },
  });
  console.log(JSON.stringify(known.filled));
};

/** The resident memory of both, once it is quiet. */
const memory = async () => ({
  controlPlaneMegabytes: megabytes(await residentBytesOf(platform.pid)),
  natsServerMegabytes: megabytes(await residentBytesOf(await platform.natsServer())),
});

/** The most memory that the control plane has until it is asked. */
const watchMemory = () => {
  let most = 0;
  const timer = setInterval(async () => {
    most = Math.max(most, await residentBytesOf(platform.pid).catch(() => 0));
  }, 500);
  return () => {
    clearInterval(timer);
    return megabytes(most);
  };
};

const rebuildFully = async (client) => {
  const most = watchMemory();
  const startedAt = performance.now();
  await client.platform.startRebuild({}, {});
  let status = await client.platform.rebuildStatus();
  while (status.state === 'running' || status.state === 'comparing') {
    await new Promise((done) => setTimeout(done, 500));
    status = await client.platform.rebuildStatus();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    state: status.state,
    seconds: round(seconds, 1),
    eventsPerSecond: Math.round(status.events / seconds),
    mostMegabytes: most(),
  };
};

/** The first start after the log grew by all of it. */
const grow = async () => {
  const grownMs = Math.round(await platform.start(START_WITHIN_MS));
  await remember({ grown: { grownMs, ...(await memory()) } });
  await platform.stop();
};

/** Starts that adopt a running nats-server; then what people wait for. */
const ask = async () => {
  const adoptedMs = [];
  for (let i = 0; i < 3; i += 1) {
    if (i > 0) await platform.stop();
    adoptedMs.push(Math.round(await platform.start(START_WITHIN_MS)));
  }
  const client = await platform.client();
  const [{ name }] = await client.apps.list({});
  // One of its own: the config values of the others are made up, and no key opens them.
  const changed = `bench-${Date.now()}`;
  await client.apps.create(changed, {});
  const latency = {
    ps: await latencies(50, () => client.apps.instances(name, {})),
    list: await latencies(50, () => client.apps.list({})),
    command: await latencies(100, (i) =>
      client.config.change(changed, { set: { [`KEY_${i % 5}`]: `${i}` }, unset: [] }, {}),
    ),
  };
  await new Promise((done) => setTimeout(done, 30_000));
  await remember({ adoptedMs, latency, idle: await memory() });
  await platform.stop();
};

const again = async () => {
  await platform.start(START_WITHIN_MS);
  await remember({ rebuilt: await rebuildFully(await platform.client()) });
  await platform.stop();
};

/** At any of its places. */
const look = async () => {
  await platform.start(START_WITHIN_MS);
  const looks = await lookAround(
    await platform.client(),
    { head: known.filled.commits },
    Number(process.argv[4] ?? 5),
    Math.random,
  );
  await remember({ looks });
  console.log(JSON.stringify(looks));
  await platform.stop();
};

/** All of it, against every witness. */
const verify = async () => {
  await platform.start(START_WITHIN_MS);
  const client = await platform.client();
  const most = watchMemory();
  const startedAt = performance.now();
  let last;
  for await (const line of client.verifyLog({})) last = line;
  const seconds = (performance.now() - startedAt) / 1000;
  const verified = {
    ok: last.ok,
    seconds: round(seconds, 1),
    commitsPerSecond: Math.round(last.checked / seconds),
    mostMegabytes: most(),
  };
  await remember({ verified });
  console.log(JSON.stringify(verified));
  await platform.stop();
};

/** Everything killed with -9; what of the start is nats-server's own. */
const cut = async () => {
  await platform.killAll();
  const natsMs = await timed(async () => void (await ensureNatsServer(platform.config)));
  await platform.killAll();
  const startMs = Math.round(await platform.start(START_WITHIN_MS));
  await remember({ powerCut: { startMs, natsMs } });
  await platform.stop();
};

const tell = () => {
  const paths = pathsOf(home);
  const derived = derivedPathsOf({ home: home, eventLog: { kind: 'jetstream' } });
  const { ports: _ports, ...measured } = known;
  report({
    bench: 'archive',
    versions: {},
    storage: { fileSystem: fileSystemOf(home) },
    ...measured,
    diskMegabytes: {
      log: megabytes(sizeOf(paths.natsStore)),
      snapshots: megabytes(sizeOf(derived.snapshots)),
      readModels: megabytes(sizeOf(derived.database)),
    },
    targets: [],
  });
};

const destroy = async () => {
  await platform.destroy();
  await rm(home, { recursive: true, force: true });
};

const PHASES = { fill, grow, ask, rebuild: again, at: look, verify, cut, report: tell, destroy };
try {
  await PHASES[phase]();
} finally {
  await platform.stop();
}
