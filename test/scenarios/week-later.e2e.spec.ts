import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordHistory } from '@shiplog/read-models/testing';
import { readConfig } from '@shiplog/runtime';
import { fillLog } from '../../bench/lib/fill-log.mjs';
import { startTimes } from '../support/containers.js';
import { TestPlatform } from '../support/platform.js';
import { deployed } from '../support/repository.js';

const EVENTS = 10_000;

describe('a platform one week later', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await TestPlatform.start({
      name: 'week',
      // Another machine than that of the recorded history: its streams are its own.
      env: { SHIPLOG_NODE: 'this-node' },
    });
  });
  afterAll(async () => platform.destroy());

  it(`starts with ${EVENTS} more events in its log, and finds its app as it left it`, async () => {
    await (await deployed(platform, 'hello', 'node-hello')).remove();
    const running = (await platform.containers()).map(({ Id }) => Id);
    const started = await startTimes(running);
    await platform.stop();

    const history = await recordHistory({
      apps: 20,
      turns: Math.ceil(EVENTS / 20 / 11),
      atRest: true,
    });
    const filled = await fillLog(readConfig(platform.env), history.log);
    await history.stop();
    expect(filled.events).toBeGreaterThanOrEqual(EVENTS);

    const first = await platform.start();
    await platform.stop();
    const second = await platform.start();
    // On another core, with what the feed reads: with no warning that it could not.
    const log = await readFile(join(platform.home, 'logs', 'shiplog.log'), 'utf8');
    expect(log).toContain('"read-models.caught-up"');
    expect(log).not.toContain('not-caught-up-beside');
    console.log(`ready in ${Math.round(first)} ms, then in ${Math.round(second)} ms`);
    expect((await platform.get('hello')).status).toBe(200);
    expect(await startTimes(running)).toEqual(started);
  });
});
