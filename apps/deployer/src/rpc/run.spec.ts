import type { Session } from '@shiplog/bus';
import type Docker from 'dockerode';
import { afterEach, expect, it } from 'vitest';
import type { ContainerSpec } from '../containers/container-engine.port.js';
import type { DockerContainerEngine } from '../containers/docker-container-engine.js';
import { InMemoryContainerEngine, InMemoryHost } from '../containers/in-memory-container-engine.js';
import { Workbench } from '../containers/workbench.js';
import { testPlatform, type TestPlatform } from '../testing/test-platform.js';
import { runOneOff } from './run.js';

const APP = 'runner';
const IMAGE = `sha256:${'1'.repeat(64)}`;
let platform: TestPlatform | undefined;
afterEach(() => platform?.end());

/** A deployer whose engine tells nothing of new containers by itself, and an app that is live. */
const deployer = async () => {
  platform = await testPlatform({ from: 20_012, to: 20_013 });
  const host = new InMemoryHost();
  host.images.add(IMAGE);
  const engine = new InMemoryContainerEngine(host, platform.config.platform);
  const bench = new Workbench(platform.context(), engine, { onStepError: () => undefined });
  await platform.createApp(APP);
  const image = { id: IMAGE };
  const rolloutId = await platform.deploy(APP, { image, processes: { web: { command: ['w'] } } });
  const of = { id: rolloutId, appId: APP };
  const release = { rolloutId, appId: APP, generation: 1, version: 1, fromVersion: null };
  await bench.record('rollout', of, {
    ...{ type: 'StartRollout', ...release, deadline: '2030-01-01T00:00:00.000Z' },
  });
  await bench.record('rollout', of, { type: 'CompleteRollout' });
  return { bench, engine };
};

/** As much of the real adapter as a run asks: the container is one of the engine in memory. */
const dockerOf = (engine: InMemoryContainerEngine) => {
  let spec: ContainerSpec | undefined;
  const adapter = {
    createOptions: (wanted: ContainerSpec) => {
      spec = wanted;
      return Promise.resolve({});
    },
    volumes: { verify: () => Promise.resolve() },
    resources: { explain: (_spec: unknown, error: Error) => Promise.resolve(error) },
  } as unknown as DockerContainerEngine;
  const docker = {
    createContainer: async () => {
      if (spec === undefined) throw new Error('nothing was to be made');
      const id = await engine.create(spec);
      return { id, start: () => engine.start(id), remove: () => engine.remove(id) };
    },
  } as unknown as Docker;
  return { docker, adapter };
};

it('a detached run is seen with its container before others decide about it', async () => {
  const { bench, engine } = await deployer();
  const { docker, adapter } = dockerOf(engine);
  const seen: (string | undefined)[] = [];
  const letGo = bench.joined.delete.bind(bench.joined);
  bench.joined.delete = (runId) => {
    seen.push(bench.view.containers.get(runId)?.status);
    return letGo(runId);
  };
  const session = { send: () => undefined, end: () => undefined } as unknown as Session;
  const input = { appId: APP, command: ['serve'], env: {}, detach: true };
  const size = { tty: false, columns: 80, rows: 24 };
  const tools = { docker, engine: adapter, bench, watched: new Set<string>() };
  await runOneOff(tools, { ...input, ...size }, session);
  expect(seen).toEqual(['running']);
  const [run] = bench.context.world.runsOf(APP);
  expect(run).toMatchObject({ status: 'started', detached: true });
});
