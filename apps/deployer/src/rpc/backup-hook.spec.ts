import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LABEL } from '@shiplog/engine';
import { InMemoryContainerEngine, InMemoryHost } from '../containers/in-memory-container-engine.js';
import { Workbench } from '../containers/workbench.js';
import { testPlatform, type TestPlatform } from '../testing/test-platform.js';
import { runBackupHook } from './backup-hook.js';

describe('what runs before a volume is backed up, on an engine that misbehaves', () => {
  let platform: TestPlatform;
  let host: InMemoryHost;
  let bench: Workbench;
  beforeAll(async () => {
    platform = await testPlatform({ from: 20_010, to: 20_011 });
    host = new InMemoryHost();
    const engine = new InMemoryContainerEngine(host, platform.config.platform);
    bench = new Workbench(platform.context(), engine, { onStepError: () => undefined });
    const labels = { [LABEL.platform]: platform.config.platform };
    host.volumes.set('v', { labels, bytes: 0 });
  });
  afterAll(() => platform.end());

  const run = () => {
    const hook = { command: ['exit', '0'], timeoutSeconds: 5 };
    return runBackupHook(bench, { appId: 'a1', engineName: 'v', hook });
  };

  it('says that nothing runs where nothing does', async () => {
    expect(await run()).toEqual({ ranIn: null, outcome: 'no-instance', exitCode: null, said: '' });
  });

  it('a deployer that has not looked at its containers yet finds those that run', async () => {
    const of = { id: 'web-1', appId: 'a1' };
    await bench.record('instance', of, {
      ...{ type: 'ScheduleInstance', instanceId: 'web-1', appId: 'a1', process: 'web' },
      ...{ version: 1, generation: 1, nodeId: 'n1' },
      ...{ port: null, containerPort: null, address: '10.0.0.1' },
    });
    const labels = { [LABEL.platform]: platform.config.platform, [LABEL.instance]: 'web-1' };
    const spec = { labels, mounts: [{ volume: 'v', path: '/data' }], limits: null, env: {} };
    const entry = { id: 'c1', status: 'running', instanceId: 'web-1', name: 'c1', spec };
    host.entries.set('c1', entry as never);
    expect(await run()).toMatchObject({
      ...{ ranIn: null, outcome: 'not-run' },
      said: 'no instance that has the volume is ready: web-1 is scheduled',
    });
    host.entries.delete('c1');
  });

  it('an engine that does not answer is no engine without instances', async () => {
    host.isDown = true;
    expect(await run()).toMatchObject({ ranIn: null, outcome: 'not-run', exitCode: null });
    host.isDown = false;
  });
});
