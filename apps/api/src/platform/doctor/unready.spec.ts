import { describe, expect, it } from 'vitest';
import { startTestApi } from '../../testing/start-test-api.js';
import { unreadyVerdict } from './unready.js';

describe('the finding about unready instances', () => {
  it('names the app, the instance and what it said', async () => {
    const api = await startTestApi();
    const appId = await api.deployed('hello');
    const { given, api: context } = api.platform;
    await given('instance', 'web-1', {
      type: 'ScheduleInstance',
      ...{ instanceId: 'web-1', appId, process: 'web', version: 1, generation: 1 },
      ...{ nodeId: 'node-1', port: 21_000, containerPort: 8080 },
    });
    const containerId = 'c'.repeat(64);
    await given('instance', 'web-1', { type: 'RecordStarted', containerId, restarts: 0 });
    await given('instance', 'web-1', { type: 'RecordReady' });
    await context.feed.catchUp();
    const verdict = () => unreadyVerdict(context.world, context.world.apps());
    expect(verdict().state).toBe('ok');
    const got = 'HTTP 503 to GET /up';
    await given('instance', 'web-1', { type: 'RecordUnready', cause: 'readiness', check: '', got });
    await context.feed.catchUp();
    expect(verdict()).toMatchObject({
      state: 'warning',
      summary: 'unready instances: hello web-1 (HTTP 503 to GET /up)',
    });
    await api.stop();
  });
});
