// How long it takes until twenty instances serve, against twenty containers that are just started.
//   node bench/scale.mjs [rounds] [folder]      needs `npm run build`; default 9 rounds of the sample app
// `platform`: an app of a real platform goes from 1 to 20 instances: each is scheduled in the log, created,
// started, probed, put into HAProxy, and that is confirmed. `raw`: 20 times `docker run --detach --publish` of the
// same image, as many at a time as the deployer starts. The two take turns on one engine.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ENGINE_STEPS_AT_ONCE } from '@shiplog/deployer';
import { connectEngine } from '@shiplog/engine';
import { median, ratioOf, round, spread } from './lib/figures.mjs';
import { BenchPlatform, ROOT } from './lib/platform.mjs';
import { atMost, fileSystemOf, report } from './lib/report.mjs';

const INSTANCES = 20;
const RATIO_MAX = 1.3;
const APP = 'bench';
const rounds = Number(process.argv[2] ?? 9);
const folder = process.argv[3] ?? join(ROOT, 'samples/hello');

const run = promisify(execFile);
const engine = connectEngine();
const platform = await BenchPlatform.create('scale');
const rawLabel = `shiplog.bench=${platform.name}`;

/** From the request until everything it asked for is live. */
const scaleTo = async (client, web) => {
  const startedAt = performance.now();
  const { sequence } = await client.apps.scale(APP, { web }, {});
  for await (const { kind, text } of client.progress(APP, { settled: sequence })) {
    if (kind === 'failed') throw new Error(text);
  }
  return performance.now() - startedAt;
};

const runRaw = async (image) => {
  const publish = ['--publish', `127.0.0.1::${image.port}`];
  const args = ['run', '--detach', ...publish, '--label', rawLabel, image.id, ...image.command];
  let left = INSTANCES;
  const startedAt = performance.now();
  const runSome = async () => {
    while (left > 0) {
      left -= 1;
      await run('docker', args);
    }
  };
  await Promise.all(Array.from({ length: ENGINE_STEPS_AT_ONCE }, runSome));
  return performance.now() - startedAt;
};
const removeRaw = async () => {
  for (const { Id } of await engine.listContainers({ all: true, filters: { label: [rawLabel] } }))
    await engine.getContainer(Id).remove({ force: true });
};

/** Deploys the app; answers what its containers run. */
const deploy = async (client) => {
  await client.apps.create(APP, {});
  const { token } = await platform.credentials();
  await run(join(ROOT, 'shiplog'), ['deploy', folder, '--app', APP], {
    env: { ...platform.env, SHIPLOG_URL: client.url, SHIPLOG_TOKEN: token },
  });
  const [container] = await engine.listContainers({
    filters: { label: [`shiplog.platform=${platform.name}`] },
  });
  const { Config } = await engine.getContainer(container.Id).inspect();
  return {
    id: container.ImageID,
    command: Config.Cmd ?? [],
    port: container.Ports[0].PrivatePort,
  };
};

const samples = { platform: [], raw: [] };
try {
  await platform.start();
  const client = await platform.client();
  const image = await deploy(client);
  const contenders = {
    platform: { go: () => scaleTo(client, INSTANCES), clear: () => scaleTo(client, 1) },
    raw: { go: () => runRaw(image), clear: removeRaw },
  };
  for (let i = -1; i < rounds; i += 1) {
    for (const name of i % 2 === 0 ? ['platform', 'raw'] : ['raw', 'platform']) {
      const tookMs = await contenders[name].go();
      await contenders[name].clear();
      // The first round warms up.
      if (i >= 0) samples[name].push(tookMs);
    }
  }
  const { ratio, spread: ratioSpread } = ratioOf(samples.platform, samples.raw);
  const figures = (name, containers) => ({
    seconds: round(median(samples[name]) / 1000),
    spread: spread(samples[name].map((ms) => ms / 1000)),
    containers,
  });
  const { ServerVersion, Driver, CgroupVersion } = await engine.info();
  report({
    bench: 'scale',
    versions: { engine: ServerVersion },
    storage: {
      fileSystem: fileSystemOf('/var/lib'),
      fsync: 'before every acknowledgement (sync_interval: always)',
      engine: `${Driver}, cgroup v${CgroupVersion}`,
    },
    rounds,
    atATime: ENGINE_STEPS_AT_ONCE,
    // From 1 to 20 are 19 new ones; the ratio compares them with 20 raw ones, as it was asked.
    platform: figures('platform', INSTANCES - 1),
    raw: figures('raw', INSTANCES),
    ratio,
    ratioSpread,
    ratioPerContainer: round((ratio * INSTANCES) / (INSTANCES - 1)),
    targets: [atMost('scale 1→20, of 20 raw `docker run`', ratio, RATIO_MAX)],
  });
} finally {
  await removeRaw();
  await platform.destroy();
}
