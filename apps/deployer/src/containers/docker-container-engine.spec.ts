import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine } from '@shiplog/engine';
import { DockerContainerEngine } from './docker-container-engine.js';

describe('an engine that takes requests and never answers', () => {
  const server = createServer(() => undefined);
  let folder: string;
  let engine: DockerContainerEngine;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'silent-'));
    const socket = join(folder, 'engine.sock');
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    const docker = connectEngine({ host: `unix://${socket}` });
    engine = new DockerContainerEngine(docker, 'p1', { lookMs: 50 });
  });
  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  it('counts as one that is not there', async () => {
    await expect(engine.list()).rejects.toMatchObject({ code: 'engine-unreachable' });
    await expect(engine.inspect('c1')).rejects.toMatchObject({ code: 'engine-unreachable' });
  });
});
