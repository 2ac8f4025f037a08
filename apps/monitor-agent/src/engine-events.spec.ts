import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { expect, it } from 'vitest';
import { watchEngine } from './engine-events.js';

it('says that it is connected before it passes on events, so that what was missed is looked for', async () => {
  const lines = [{ Action: 'start', id: 'c1' }].map((event) => `${JSON.stringify(event)}\n`);
  const engine = { getEvents: () => Promise.resolve(Readable.from(lines)) } as unknown as Docker;
  const heard: string[] = [];
  const events = watchEngine(engine, 'test', {
    onConnected: () => heard.push('connected'),
    onEvent: (action, id) => heard.push(`${action} ${id}`),
  });
  await expect.poll(() => heard).toEqual(['connected', 'start c1']);
  events.stop();
});
