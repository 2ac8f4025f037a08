import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeProxy, testConfig } from '../testing/test-platform.js';
import { NginxAdmin } from './admin.js';
import { nginxPaths } from './files.js';
import { ensureNginx } from './process.js';

const MB = 1024 * 1024;
/** The memory of the routes holds so many of these, and no more. */
const FILLING_MAX = 32;
const notice = (appId: string, bytes: number): string =>
  `notice ${appId} maintenance ${'A'.repeat(bytes)} -`;

describe('an nginx whose memory for routes is full', () => {
  let config: Awaited<ReturnType<typeof testConfig>>;
  let admin: NginxAdmin;
  const filled: string[] = [];

  const fill = async (bytes: number): Promise<void> => {
    for (let i = 0; i < FILLING_MAX; i += 1) {
      const appId = `fill-${bytes}-${i}`;
      const isFull = await admin.change([notice(appId, bytes)]).then(
        () => false,
        (error: unknown) => (error as { code?: string }).code === 'router-full',
      );
      if (isFull) return;
      filled.push(appId);
    }
    throw new Error('it is never full');
  };

  beforeAll(async () => {
    config = await testConfig('nginx');
    const paths = nginxPaths(config, {});
    await ensureNginx(config, paths);
    admin = new NginxAdmin(paths.admin);
    await admin.change([
      'app one 1',
      'i1 127.0.0.1 9001 1 serving',
      'host one.localhost one',
      'host old.localhost one',
      notice('one', 10),
      notice('two', 2 * MB),
    ]);
    await fill(4 * MB);
  }, 60_000);
  afterAll(() => removeProxy(config));

  const HUGE = notice('huge', 8 * MB);
  it.each([
    ['a new route', HUGE],
    ['a longer one than before', notice('two', 16 * MB)],
  ])('changes nothing where %s finds no place', async (_, last) => {
    const { generation } = await admin.read();
    const before = await small();
    await expect(
      admin.change([
        'app one 1',
        'i2 127.0.0.1 9002 1 serving',
        'host new.localhost one',
        'nohost old.localhost',
        'nonotice one',
        'noapp two',
        'forget i1',
        last,
      ]),
    ).rejects.toMatchObject({ code: 'router-full' });
    // Without a table: it is that of the same generation.
    expect((await admin.read(generation)).lines).toBeUndefined();
    expect(await small()).toEqual(before);
    expect(before.join('\n')).toContain('host old.localhost one');
    expect(before.join('\n')).toContain('i1 127.0.0.1 9001 1 serving');
  });

  it('takes changes again when there is room', async () => {
    await admin.change(filled.map((appId) => `nonotice ${appId}`));
    const { lines = [] } = await admin.change([HUGE, 'host new.localhost one']);
    expect(lines).toContain('host new.localhost one');
  });

  /** All that is there, what fills it by its length. */
  const small = async (): Promise<readonly string[]> => {
    const { lines = [] } = await admin.read();
    return lines
      .map((line) => (line.length > 1000 ? `${line.slice(0, 40)} ${line.length}` : line))
      .toSorted();
  };
});
