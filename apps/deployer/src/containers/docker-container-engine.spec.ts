import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '@shiplog/domain';
import { connectEngine } from '@shiplog/engine';
import type { ContainerSpec } from './container-engine.port.js';
import { pullImage } from './docker-pull.js';
import { DockerContainerEngine } from './docker-container-engine.js';

const NOBODY = { onOpen: () => undefined, onNotice: () => undefined };
const SPEC: ContainerSpec = {
  ...{ name: 'c1', imageId: 'i1', command: null, env: {}, labels: {} },
  ...{ network: 'n1', address: null, publish: null },
  limits: {
    ...{ memoryBytes: 0, memoryReservationBytes: 0, cpus: 0, cpuReservation: 0 },
    ...{ pids: 0, ioWeight: 0 },
  },
  surroundings: DEFAULT_SETTINGS,
};

describe('an engine that takes requests and never answers', () => {
  const server = createServer(() => undefined);
  let folder: string;
  let docker: Docker;
  let engine: DockerContainerEngine;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'silent-'));
    const socket = join(folder, 'engine.sock');
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    docker = connectEngine({ host: `unix://${socket}`, answerWithinMs: 50 });
    engine = new DockerContainerEngine(docker, 'p1', { listMs: 50 });
  });
  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  it('counts as one that is not there when it does not tell what runs', async () => {
    await expect(engine.list()).rejects.toMatchObject({ code: 'engine-unreachable' });
  });

  it.each<[string, (engine: DockerContainerEngine) => Promise<unknown>]>([
    ['facts', (e) => e.facts()],
    ['inspect', (e) => e.inspect('c1')],
    ['create', (e) => e.create(SPEC)],
    ['ensureNetwork', (e) => e.ensureNetwork('n1', 't1')],
    ['start', (e) => e.start('c1')],
    ['stop', (e) => e.stop('c1', 0)],
    ['exec', (e) => e.exec('c1', ['true'], 50)],
    ['setRestartPolicy', (e) => e.setRestartPolicy('c1', 'no')],
    ['resize', (e) => e.resize('c1', SPEC.limits)],
    ['memoryInUse', (e) => e.memoryInUse('c1')],
    ['remove', (e) => e.remove('c1')],
    ['hasImage', (e) => e.hasImage('i1')],
    ['removeNetwork', (e) => e.removeNetwork('n1')],
    ['lastLines', (e) => e.lastLines('c1', { lines: 1 })],
    ['watch', (e) => e.watch(NOBODY, new AbortController().signal)],
  ])('is given up, and nobody knows what became of it: %s', async (_, call) => {
    await expect(call(engine)).rejects.toMatchObject({
      code: 'no-answer',
      said: expect.stringMatching(/no answer within .* not known/),
    });
  });

  it('is not waited for when it pulls, and nothing comes', async () => {
    const pulling = pullImage(docker, `app@sha256:${'1'.repeat(64)}`, 50);
    await expect(pulling).rejects.toMatchObject({
      code: 'pull-failed',
      said: 'nothing came for 0.05 s',
    });
  });
});
