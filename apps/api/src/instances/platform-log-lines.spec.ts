import type { ReadModels } from '@shiplog/read-models';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestPlatform, type TestPlatform } from '../progress/testing/platform.js';
import { operationLines } from './operation-lines.js';
import { platformLogLines } from './platform-log-lines.js';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startTestPlatform();
});
afterAll(() => platform.stop());

it('leaves out nothing that happens while the past is read', async () => {
  const { given, api } = platform;
  const source = { kind: 'image', ref: 'test/app:1' } as const;
  await given('app', 'a1', { type: 'CreateApp', appId: 'a1', name: 'hello', teamId: 't1' });
  await given('app', 'a1', { type: 'RequestBuild', buildId: 'b1', source });
  const documents = {
    builds: () => Promise.resolve([{ buildId: 'b1' }]),
    deploys: () => Promise.resolve([]),
    instances: () => Promise.resolve([]),
  } as unknown as ReadModels;
  /** The app is stopped between its stream and the one of its build, which then gets one more event. */
  const read: typeof api.log.read = async (stream) => {
    const records = await api.log.read(stream);
    if (stream !== 'app.a1') return records;
    await given('app', 'a1', { type: 'StopApp' });
    const start = { buildId: 'b1', appId: 'a1', sourceDigest: null } as const;
    await given('build', 'b1', { type: 'StartBuild', ...start });
    return records;
  };
  const stop = new AbortController();
  const request = { appId: 'a1', tail: 100, follow: true, documents, linesOf: operationLines };
  const texts: string[] = [];
  const logAndFeed = { feed: api.feed, log: { ...api.log, read } };
  for await (const { text } of platformLogLines(logAndFeed, request, stop.signal)) {
    texts.push(text.split(' ')[0] ?? '');
    if (texts.length === 4) stop.abort();
  }
  expect(texts).toEqual(['AppCreated', 'BuildRequested', 'BuildStarted', 'AppStopped']);
});
