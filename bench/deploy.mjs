// What the platform adds to what the engine takes, and what a change costs among very many instances.
//   node bench/deploy.mjs [rounds] [instances,…]    needs `npm run build`; default 9 rounds; 1000,10000,50000
// `plan`: a deployer in memory with that many instances; an app gets one more: from the change in the log until its
// steps are planned and carried out or handed over. Then a real platform, in turn with raw calls of the same engine API:
// `start`: from the command until one more container is started, against create and start. `replace`: a restart of an app
// of one instance until it is done, against create, start and stop. `scale`: 1 to 50 until all of them serve, against
// create and start of as many, as many at a time as the deployer does, until the program of each takes connections; what it took
// until the last of them was started is told. Raw containers have the same image, network, limits and init, without anything else.
// What it made goes at its end, also when a signal ends it; after `kill -9`, with the next start.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ENGINE_STEPS_AT_ONCE } from '@shiplog/deployer';
import { connectEngine } from '@shiplog/engine';
import { median, quantile, ratioOf, round, spread } from './lib/figures.mjs';
import { BenchPlatform, ROOT } from './lib/platform.mjs';
import { RawContainers } from './lib/raw-containers.mjs';
import { atMost, fileSystemOf, report } from './lib/report.mjs';

const APP = 'bench';
const SCALE = 50;
const CHANGES = 300;
const rounds = Number(process.argv[2] ?? 9);
const sizes = (process.argv[3] ?? '1000,10000,50000').split(',').map(Number);
const run = promisify(execFile);

const timed = async (work) => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

/** In a process of its own, with the flags of `npm start`: the collector is a part of what a change takes. */
const planning = async (instances) => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const flags = scripts.start.match(/--\S+/g) ?? [];
  const program = fileURLToPath(new URL('./lib/planning.mjs', import.meta.url));
  const { stdout } = await run(process.execPath, [...flags, program, instances, CHANGES]);
  process.stderr.write(`    plan among ${instances}: done\n`);
  return JSON.parse(stdout);
};

const plan = [];
for (const instances of sizes) plan.push(await planning(instances));

const engine = connectEngine();
const platform = await BenchPlatform.create('deploy');
const raw = new RawContainers(engine, platform.name);
await raw.clearAbandoned();

/** From the request until everything it asked for is live. */
const settled = async (client, ask) => {
  const { sequence } = await ask();
  for await (const { kind, text } of client.progress(APP, { settled: sequence })) {
    if (kind === 'failed') throw new Error(text);
  }
};

/** From the command until the engine says that a container of ours started. */
const started = async (ask) => {
  const filters = { event: ['start'], label: [`shiplog.platform=${platform.name}`] };
  const stream = await engine.getEvents({ filters });
  try {
    return await timed(async () => {
      const seen = new Promise((resolve) => stream.once('data', resolve));
      await ask();
      await seen;
    });
  } finally {
    stream.destroy();
  }
};

const deploy = async (client) => {
  await client.apps.create(APP, {});
  const { token } = await platform.credentials();
  await run(join(ROOT, 'shiplog'), ['deploy', join(ROOT, 'samples/hello'), '--app', APP], {
    env: { ...platform.env, SHIPLOG_URL: client.url, SHIPLOG_TOKEN: token },
  });
  const [{ Id }] = await engine.listContainers({
    filters: { label: [`shiplog.platform=${platform.name}`] },
  });
  const { Config, HostConfig, Image } = await engine.getContainer(Id).inspect();
  const { Env, Cmd, ExposedPorts } = Config;
  const { Memory, MemorySwap, NanoCpus, PidsLimit, Init, LogConfig, NetworkMode } = HostConfig;
  const ports = Object.keys(HostConfig.PortBindings ?? {});
  return {
    Image,
    Env,
    Cmd,
    ExposedPorts,
    HostConfig: {
      ...{ Memory, MemorySwap, NanoCpus, PidsLimit, Init, LogConfig, NetworkMode },
      PortBindings: Object.fromEntries(ports.map((port) => [port, [{ HostIp: '127.0.0.1' }]])),
    },
  };
};

const samples = { start: [], rawStart: [], replace: [], rawReplace: [], scale: [], rawScale: [] };
const rawScaleStarted = [];
try {
  await platform.start();
  const client = await platform.client();
  const like = await deploy(client);
  const scaleTo = (web) => settled(client, () => client.apps.scale(APP, { web }, {}));
  /** Each side takes its turn next to the other one; what has to be put back is not measured. */
  const pairs = {
    start: {
      ours: () => started(() => client.apps.scale(APP, { web: 2 }, {})),
      clear: () => scaleTo(1),
      raw: () => timed(() => raw.run(like)),
    },
    replace: {
      prepare: () => raw.run(like),
      ours: () => timed(() => settled(client, () => client.apps.restart(APP, {}))),
      clear: () => undefined,
      raw: (old) =>
        timed(async () => {
          await raw.run(like);
          await old.stop({ t: 10 });
        }),
    },
    scale: {
      ours: () => timed(() => scaleTo(SCALE)),
      clear: () => scaleTo(1),
      raw: () =>
        timed(async () => {
          rawScaleStarted.push(
            await timed(() => raw.runMany(like, SCALE - 1, ENGINE_STEPS_AT_ONCE)),
          );
          await raw.untilTheyAnswer();
        }),
    },
  };
  for (let i = -1; i < rounds; i += 1) {
    for (const [name, pair] of Object.entries(pairs)) {
      if (name === 'scale' && i >= Math.ceil(rounds / 3)) continue;
      const turns = {
        ours: async () => {
          const ms = await pair.ours();
          await pair.clear();
          return ms;
        },
        raw: async () => {
          const ms = await pair.raw(await pair.prepare?.());
          await raw.clear();
          return ms;
        },
      };
      const took = {};
      for (const side of i % 2 === 0 ? ['ours', 'raw'] : ['raw', 'ours'])
        took[side] = await turns[side]();
      process.stderr.write(
        `    ${name} ${i + 1}/${rounds}: ${round(took.ours, 0)} ms, raw ${round(took.raw, 0)} ms\n`,
      );
      // The first round warms up.
      if (i < 0) continue;
      samples[name].push(took.ours);
      samples[`raw${name[0].toUpperCase()}${name.slice(1)}`].push(took.raw);
    }
  }
  const above = (ours, rawName) => median(samples[ours].map((ms, i) => ms - samples[rawName][i]));
  const { ratio, spread: ratioSpread } = ratioOf(samples.scale, samples.rawScale);
  const figures = (name) => ({
    p50Ms: round(median(samples[name])),
    spread: spread(samples[name]),
  });
  const { ServerVersion, Driver, CgroupVersion } = await engine.info();
  const largest = plan.at(-1);
  report({
    bench: 'deploy',
    versions: { engine: ServerVersion },
    storage: {
      fileSystem: fileSystemOf('/var/lib'),
      fsync: 'before every acknowledgement (sync_interval: always)',
      engine: `${Driver}, cgroup v${CgroupVersion}`,
    },
    rounds,
    plan,
    ...Object.fromEntries(Object.keys(samples).map((name) => [name, figures(name)])),
    scaleRatio: ratio,
    scaleRatioSpread: ratioSpread,
    // Without the first round, which warms up.
    rawScaleStartedP50Ms: round(median(rawScaleStarted.slice(1))),
    startP95Ms: round(quantile(samples.start, 0.95)),
    targets: [
      ...['p50Ms', 'p95Ms'].map((name) =>
        atMost(
          `plan of 1 change among ${largest.instances} instances, ${name.slice(0, 3)}`,
          largest.change[name],
          10,
          'ms',
        ),
      ),
      atMost('command → container started, above raw', above('start', 'rawStart'), 150, 'ms'),
      atMost('replace of a 1-instance app, above raw', above('replace', 'rawReplace'), 1500, 'ms'),
      atMost(`scale 1→${SCALE}, of raw`, ratio, 1.2),
    ],
  });
} finally {
  await raw.clear();
  await platform.destroy();
}
