import { setImmediate as turn } from 'node:timers/promises';
import { InMemoryBus, InMemoryHub, type Frame } from '@shiplog/bus';
import { accessTopic, type AccessLine } from '@shiplog/domain';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AccessLog } from './access-log.js';
import type { AccessSink } from './access-source.js';

const line = (path: string, app = 'a1', server = 's1'): string =>
  `1795710523.337 ${app} ${server} 0b4c GET shop.localhost 200 94 155 12 0 0 -- ${path}`;

describe('the access log', () => {
  let sink: AccessSink;
  let log: AccessLog;
  let stop: () => Promise<void>;
  let told: AccessLine[];
  let published: AccessLine[][];
  let isStopped: boolean;
  let reader: InMemoryBus;
  const instances = new Map([
    ['i1', { appId: 'a1', release: 3 }],
    ['i2', { appId: 'a2', release: 1 }],
  ]);

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    told = [];
    published = [];
    isStopped = false;
    const hub = new InMemoryHub();
    reader = new InMemoryBus(hub, 'api');
    log = new AccessLog({
      source: {
        start: (given) => {
          sink = given;
          return () => Promise.resolve(void (isStopped = true));
        },
        instanceOf: (server) => ({ s1: 'i1', s2: 'i2' })[server] ?? null,
        counted: () => Promise.resolve({ answered: 0, missing: 0 }),
      },
      bus: new InMemoryBus(hub, 'router-sync'),
      instance: (id) => instances.get(id),
      onLine: (one) => told.push(one),
    });
    stop = log.start();
    reader.listen('router-sync', accessTopic('>'), (lines) =>
      published.push(lines as AccessLine[]),
    );
  });
  afterEach(async () => {
    await stop();
    vi.useRealTimers();
  });
  const flush = async (): Promise<void> => {
    vi.advanceTimersByTime(100);
    await turn();
  };
  const pathsOf = async (input: object): Promise<string[]> => {
    const session = await reader.open('router-sync', 'access', {
      tail: 10,
      follow: false,
      ...input,
    });
    const frames: Frame[] = [];
    session.onFrame((frame) => frames.push(frame));
    await session.ended;
    return frames.map(({ head }) => String(head?.['path']));
  };

  it('tells an instance and its release, and never one of another app', async () => {
    for (const server of ['s1', 's2', 's9', '-']) sink.onLine(line(`/${server}`, 'a1', server));
    await flush();
    expect(told.map(({ instance, release }) => [instance, release])).toEqual([
      ['i1', 3],
      [null, null],
      [null, null],
      [null, null],
    ]);
    expect(published).toEqual([told]);
  });

  it('counts what is no line, what no app has, and what the proxy lost', async () => {
    sink.onLine('what is this');
    sink.onLine(line('/', '-'));
    sink.onLine(line('/'));
    sink.onLost(7);
    await flush();
    expect(log.counts).toEqual({ lines: 3, malformed: 1, unknownHost: 1, lost: 7 });
    expect(told).toHaveLength(1);
  });

  it('publishes so many lines of an app at once, counts the others, and holds up no other app', async () => {
    for (let i = 0; i < 1_005; i += 1) sink.onLine(line('/fast'));
    sink.onLine(line('/slow', 'a2', 's2'));
    await flush();
    expect(published.map((lines) => lines.length)).toEqual([1_000, 1]);
    expect([told.length, log.counts.lost]).toEqual([1_006, 5]);
  });

  it('keeps the newest lines of an app for who asks, and shows nobody those of another one', async () => {
    for (let i = 0; i < 600; i += 1) sink.onLine(line(`/${i}`));
    sink.onLine(line('/other', 'a2', 's2'));
    await flush();
    expect(await pathsOf({ appId: 'a1', tail: 2 })).toEqual(['/598', '/599']);
    expect(await pathsOf({ appId: 'a1', tail: 10_000 })).toHaveLength(500);
    expect(await pathsOf({ appId: 'a1', tail: 0 })).toEqual([]);
    expect(await pathsOf({ appId: 'a2' })).toEqual(['/other']);
    expect(await pathsOf({ appId: 'a1', instances: ['i2'] })).toEqual([]);
    expect(await pathsOf({ appId: 'nobody' })).toEqual([]);
  });

  it('forgets the app that was quiet for longest when there are too many', async () => {
    sink.onLine(line('/first', 'app0'));
    await flush();
    for (let i = 1; i <= 200; i += 1) sink.onLine(line('/', `app${i}`));
    await flush();
    expect(await pathsOf({ appId: 'app0' })).toEqual([]);
    expect(await pathsOf({ appId: 'app1' })).toEqual(['/']);
  });

  it('goes on sending to who follows, until that one leaves', async () => {
    const session = await reader.open('router-sync', 'access', {
      ...{ appId: 'a1', tail: 0, follow: true },
    });
    const seen: unknown[] = [];
    session.onFrame(({ head }) => seen.push(head?.['path']));
    sink.onLine(line('/one'));
    sink.onLine(line('/not', 'a2', 's2'));
    await flush();
    await expect.poll(() => seen).toEqual(['/one']);
    session.end();
    await session.ended;
    sink.onLine(line('/two'));
    await flush();
    expect(seen).toEqual(['/one']);
  });

  it('passes on what waits when it is stopped', async () => {
    sink.onLine(line('/last'));
    await stop();
    expect([isStopped, told.map(({ path }) => path)]).toEqual([true, ['/last']]);
  });
});
