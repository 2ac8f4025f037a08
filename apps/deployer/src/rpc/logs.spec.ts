import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type Docker from 'dockerode';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InMemoryBus, InMemoryHub } from '@shiplog/bus';
import { LABEL } from '@shiplog/engine';
import { InMemoryContainerEngine, InMemoryHost } from '../containers/in-memory-container-engine.js';
import { logsInput } from './input.js';
import { sendLogs } from './logs.js';

const HEADER_BYTES = 8;
const line = (stream: 1 | 2, time: string, text: string): Buffer => {
  const payload = Buffer.from(`2999-01-01T00:00:0${time}Z ${text}\n`);
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
};

describe('following the log of a container', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => vi.useRealTimers());

  const labels = (more: Record<string, string>) => ({ [LABEL.app]: 'a1', ...more });
  const web = {
    Id: 'c1',
    Names: ['/sim-app-web-1'],
    State: 'running',
    Labels: labels({ [LABEL.instance]: 'web-1', [LABEL.process]: 'web' }),
  };
  const run = (id: string, more: Record<string, string>) => ({
    Id: id,
    Names: [`/sim-app-run-${id}`],
    State: 'running',
    Labels: labels({ [LABEL.kind]: 'run', [LABEL.process]: 'run', ...more }),
  });

  const follow = async (containers: readonly object[] = [web]) => {
    /** Newest last: one for each time the log was opened. */
    const streams: PassThrough[] = [];
    const docker = {
      listContainers: () => Promise.resolve(containers),
      getContainer: () => ({
        logs: () => {
          streams.push(new PassThrough());
          return Promise.resolve(streams.at(-1));
        },
      }),
    } as unknown as Docker;
    const hub = new InMemoryHub();
    const engine = new InMemoryContainerEngine(new InMemoryHost(), 'sim');
    const tools = { docker, engine, platform: 'sim', onChange: () => () => undefined };
    const input = logsInput.parse({ appId: 'a1', tail: 0, follow: true });
    new InMemoryBus(hub, 'deployer').serveSessions('logs', (_, session) =>
      sendLogs(tools, input, session),
    );
    const session = await new InMemoryBus(hub, 'api').open('deployer', 'logs', {});
    const texts: unknown[] = [];
    const instances: unknown[] = [];
    session.onFrame(({ head }) => {
      texts.push(head?.['text']);
      instances.push(head?.['instance']);
    });
    return { streams, texts, instances, session };
  };
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 50; i += 1) await turn();
  };

  it('sends every line, also where output and errors come out of order', async () => {
    const { streams, texts, session } = await follow();
    await settle();
    streams[0]?.write(line(1, '2', 'second'));
    streams[0]?.write(line(2, '1', 'first'));
    await settle();
    expect(texts).toEqual(['second', 'first']);
    session.end();
  });

  it('takes up again what broke off, and sends nothing twice', async () => {
    const { streams, texts, session } = await follow();
    await settle();
    streams[0]?.write(line(1, '1', 'before'));
    await settle();
    streams[0]?.destroy();
    await settle();
    await vi.advanceTimersByTimeAsync(3000);
    await settle();
    streams[1]?.write(line(1, '1', 'before'));
    streams[1]?.write(line(1, '2', 'after'));
    await settle();
    expect(texts).toEqual(['before', 'after']);
    session.end();
    await settle();
    await vi.advanceTimersByTimeAsync(6000);
    expect(streams).toHaveLength(2);
    expect(streams[1]?.destroyed).toBe(true);
  });

  it('shows detached commands by their names, and leaves out those that are watched', async () => {
    const runs = [run('1', { [LABEL.detached]: 'true' }), run('2', {})];
    const { streams, session, instances } = await follow([web, ...runs]);
    await settle();
    for (const stream of streams) stream.write(line(1, '1', 'hello'));
    await settle();
    expect(instances.toSorted()).toEqual(['sim-app-run-1', 'web-1']);
    session.end();
  });
});
