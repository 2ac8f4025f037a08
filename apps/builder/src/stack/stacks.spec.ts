import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { Stacks } from './stacks.js';

/** An engine without images, whose registry says the same of every one. */
const engineWhose = (registrySays: string) => {
  const asked: string[] = [];
  const notHere = Object.assign(new Error('no such image'), { statusCode: 404 });
  const engine = {
    getImage: () => ({ inspect: () => Promise.reject(notHere) }),
    createImage: ({ fromImage, tag }: { fromImage: string; tag: string }) => {
      asked.push(`${fromImage}:${tag}`);
      const said = Buffer.from(JSON.stringify({ error: registrySays }));
      return Promise.resolve(Readable.from([said]));
    },
  };
  return { engine: engine as unknown as Docker, asked };
};

describe('base images of Node.js apps', () => {
  const listener = { signal: new AbortController().signal, onLine: () => undefined };
  const obtain = (stacks: Stacks, engines: string) =>
    stacks.obtain({ engines, compilers: false }, listener);

  it('are asked for one by one where the registry answers that it lacks one', async () => {
    const { engine, asked } = engineWhose('manifest for node:x not found: manifest unknown');
    const stacks = new Stacks({ engine, scratch: '/nowhere', nodeVersion: '20.20.2' });
    await expect(obtain(stacks, '19.0.0')).rejects.toThrow(
      /available here is 20\.20\.2, because the container registry has no image of node for that/,
    );
    await expect(obtain(stacks, '22.x')).rejects.toThrow(/has no image/);
    expect(asked).toEqual(['node:19.0.0-bookworm-slim', 'node:22-bookworm-slim']);
  });

  it('are not asked for again and again where no registry answers', async () => {
    const { engine, asked } = engineWhose('dial tcp: lookup registry: no such host');
    let now = 0;
    const stacks = new Stacks({
      engine,
      scratch: '/nowhere',
      nodeVersion: '20.20.2',
      now: () => now,
    });
    await expect(obtain(stacks, '22.x')).rejects.toThrow(/no container registry answers/);
    await expect(obtain(stacks, '24.x')).rejects.toThrow(/no container registry answers/);
    expect(asked).toHaveLength(1);
    now = 16 * 60_000;
    await expect(obtain(stacks, '24.x')).rejects.toThrow(/no container registry answers/);
    expect(asked).toHaveLength(2);
  });
});
