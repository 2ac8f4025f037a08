import { describe, expect, it } from 'vitest';
import { serverSentEvents } from './server-sent-events.js';
import { linesOf } from './stream.js';

async function* chunks(...parts: readonly (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield await Promise.resolve(Buffer.from(part));
}
const all = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const values: T[] = [];
  for await (const value of source) values.push(value);
  return values;
};

describe('lines of a stream', () => {
  it('are put together from chunks, wherever these are cut', async () => {
    expect(await all(linesOf(chunks('a', 'b\nc\r', '\n\nd')))).toEqual(['ab', 'c', '', 'd']);
  });

  it('keep characters whole that a chunk cut through', async () => {
    const bytes = Buffer.from('grün €\n');
    const parts = [...bytes].map((byte) => Buffer.from([byte]));
    expect(await all(linesOf(chunks(...parts)))).toEqual(['grün €']);
  });

  it('are refused when one never ends', async () => {
    const endless = Array.from({ length: 5 }, () => 'x'.repeat(1024 * 1024));
    await expect(all(linesOf(chunks(...endless)))).rejects.toThrow('4 MiB');
  });
});

describe('server-sent events', () => {
  const eventsOf = (text: string) => all(serverSentEvents(linesOf(chunks(text))));

  it('have an id, a type and data of several lines', async () => {
    expect(await eventsOf('id: 7\nevent: AppCreated\ndata: {"a":\ndata: 1}\n\n')).toEqual([
      { id: '7', event: 'AppCreated', data: '{"a":\n1}' },
    ]);
  });

  it('keep the last id, leave comments and events without data out', async () => {
    expect(await eventsOf(': hello\n\nid: 1\n\n:ping\ndata:x\n\ndata\n\n')).toEqual([
      { id: '1', event: 'message', data: 'x' },
      { id: '1', event: 'message', data: '' },
    ]);
  });

  it('tell the place that comes without data', async () => {
    const places: string[] = [];
    const lines = linesOf(chunks('retry: 1000\nid: 4\n\n:ping\n\nid: 5\ndata: x\n\n'));
    expect(await all(serverSentEvents(lines, (id) => places.push(id)))).toHaveLength(1);
    expect(places).toEqual(['4', '4']);
  });

  it('leave out an event that the stream cut off', async () => {
    expect(await eventsOf('data: whole\n\ndata: half\n')).toEqual([
      { id: '', event: 'message', data: 'whole' },
    ]);
  });
});
