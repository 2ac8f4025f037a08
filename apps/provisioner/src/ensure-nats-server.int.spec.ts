import { execFile } from 'node:child_process';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { appendMany, commitAfter, newStream } from '@shiplog/events/testing';
import { connectNats, inboxPrefixOf, pathsOf } from '@shiplog/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureNatsServer } from './ensure-nats-server.js';
import { findNatsServer } from './find-nats-server.js';
import { inspectHealth, inspectServer } from './inspect-server.js';
import { proveDurability } from './prove-durability.js';
import { provision } from './provision.js';
import { spawnServer, stopServerProcess } from './server-process.js';
import { freePort, startTestNats, type TestNats } from './testing/index.js';

const run = promisify(execFile);

let nats: TestNats;
beforeEach(async () => {
  nats = await startTestNats();
});
afterEach(() => nats.close());

describe('the nats-server of a platform', () => {
  it('is adopted when it runs already', async () => {
    const again = await ensureNatsServer(nats.config);
    expect(again).toMatchObject({ how: 'adopted', pid: nats.server().pid });
  });

  it('is found again without its pid file', async () => {
    await rm(join(nats.config.home, 'nats/nats-server.pid'));
    const again = await ensureNatsServer(nats.config);
    expect(again).toMatchObject({ how: 'adopted', pid: nats.server().pid });
  });

  it('is stopped and started when it runs with another configuration', async () => {
    const before = nats.server().pid;
    const config = { ...nats.config, natsPort: await freePort() };
    const url = `nats://127.0.0.1:${config.natsPort}`;
    const moved = await ensureNatsServer({ ...config, natsUrl: url });
    expect(moved.how).toBe('started');
    expect(moved.pid).not.toBe(before);
    expect(nats.server().isAlive()).toBe(false);
    await moved.stop();
  });

  it('is replaced when its users were made anew', async () => {
    await rm(pathsOf(nats.config.home).natsCredentials, { recursive: true });
    const replaced = await ensureNatsServer(nats.config);
    expect(replaced.how).toBe('started');
    expect(nats.server().isAlive()).toBe(false);
    await provision(nats.config);
    await replaced.stop();
  });

  it('is started again after kill -9, with what was acknowledged', async () => {
    nats.kill();
    const again = await ensureNatsServer(nats.config);
    expect(again.how).toBe('started');
    await provision(nats.config);
    await again.stop();
  });

  it('is not started on a data directory that another server holds', async () => {
    const { home } = nats.config;
    const second = await spawnServer(home, await findNatsServer(), join(home, 'second.out'));
    expect(await second.ended).toBe('locked');
    expect(nats.server().isAlive()).toBe(true);
  });

  it('outlives the process that started it, in a session of its own', async () => {
    const fields = (await readFile(`/proc/${nats.server().pid}/stat`, 'utf8')).split(' ');
    const session = Number(fields[5]);
    expect(session).toBe(nats.server().pid);
  });

  it('says so when its port is taken by another program', async () => {
    await nats.server().stop();
    const other = createServer().listen(nats.config.natsPort, '127.0.0.1');
    await expect(ensureNatsServer(nats.config)).rejects.toMatchObject({
      code: 'port-taken',
      message: expect.stringContaining(`port ${nats.config.natsPort}`) as unknown,
    });
    await new Promise((resolve) => other.close(resolve));
  });

  it('is started again when a failed write made its stream take no more', async () => {
    const connection = await connectNats(nats.config, 'api');
    const log = new JetStreamEventLog(connection, {
      inboxPrefix: inboxPrefixOf('api'),
      process: 'api',
      durability: () => Promise.resolve('disk'),
      attemptTimeoutMs: 200,
      deadlineMs: 400,
    });
    const stream = newStream();
    const before = await appendMany(log, stream, 1);
    // As a full disk: no file of this server may grow.
    await run('prlimit', ['--pid', String(nats.server().pid), '--fsize=1']);
    const commit = commitAfter(stream, before);
    await expect(log.append(stream, before.revision, commit)).rejects.toMatchObject({
      outcome: 'unknown',
    });
    expect(await inspectHealth(nats.config, 1_000)).toContain('write error');
    const again = await ensureNatsServer(nats.config);
    expect(again.how).toBe('started');
    expect(await inspectHealth(nats.config, 1_000)).toBeUndefined();
    await expect
      .poll(() => log.append(stream, before.revision, commit))
      .toMatchObject({ outcome: 'appended' });
    expect(await log.read(stream)).toHaveLength(2);
    await connection.close();
    await again.stop();
  });

  it('leaves seeds that only their owner can read', async () => {
    const directory = pathsOf(nats.config.home).natsCredentials;
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(join(directory, 'api.nk'))).mode & 0o777).toBe(0o600);
  });

  it('takes a program that does not start for what it is', async () => {
    await nats.server().stop();
    const broken = join(nats.config.home, 'broken');
    await writeFile(broken, '#!/bin/sh\necho no such luck >&2\nexit 1\n', { mode: 0o755 });
    await expect(ensureNatsServer(nats.config, broken)).rejects.toMatchObject({
      code: 'nats-server-failed',
      message: expect.stringContaining('no such luck') as unknown,
    });
  });
});

describe('durability', () => {
  it('is proved to be disk', async () => {
    expect(await proveDurability(nats.config)).toBe('disk');
    expect(await inspectServer(nats.config, 1_000)).toMatchObject({ isSyncAlways: true });
  });

  it('is refused when the server acknowledges before the disk has it', async () => {
    await nats.server().stop();
    const { natsConfig, home } = { ...pathsOf(nats.config.home), home: nats.config.home };
    const text = await readFile(natsConfig, 'utf8');
    await writeFile(natsConfig, text.replace('sync_interval: always', 'sync_interval: "2m"'));
    const lax = await spawnServer(home, await findNatsServer(), join(home, 'lax.out'));
    await expect(provision(nats.config)).rejects.toMatchObject({ code: 'log-not-durable' });
    await stopServerProcess(lax.pid);
  });
});
