import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestPlatform } from '../support/platform.js';
import { deployed, type Repository } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

const OUT_WITHIN_MS = 2_000;
const ASK_EVERY_MS = 40;
/** Each of two instances gets every second request: this long without one, it is out. */
const PAUSE_MS = 1_500;

interface Asked {
  readonly atMs: number;
  instance: string;
  status: number;
}
interface Listed {
  readonly id: string;
  readonly state: string;
  readonly restarts: number;
  readonly unready: { readonly cause: string; readonly got: string } | null;
}

describe('an instance that cannot answer', () => {
  let platform: TestPlatform;
  let repository: Repository;
  const asked: Asked[] = [];
  const open = new Set<Promise<void>>();
  let timer: NodeJS.Timeout;

  const ask = async (): Promise<void> => {
    const entry: Asked = { atMs: performance.now(), instance: '', status: 0 };
    asked.push(entry);
    const { status, body } = await platform.get('shop');
    Object.assign(entry, { status, instance: body });
  };
  const list = () => platform.json<Listed[]>(['ps', '-a', 'shop']);
  /** Until when requests began at the instance, before a while without any; undefined while that is not over. */
  const outAfterMs = (instance: string, beganMs: number): number | undefined => {
    let lastMs = beganMs;
    for (const { atMs } of asked.filter((one) => one.instance === instance)) {
      if (atMs - lastMs > PAUSE_MS) return lastMs - beganMs;
      lastMs = Math.max(lastMs, atMs);
    }
    return undefined;
  };
  /** Makes some instance unwell for a while; tells for how long it still got requests, and what was said of it. */
  const unwell = async (path: string) => {
    const beganMs = performance.now();
    const { body: instance } = await platform.get('shop', path);
    let told: Listed | undefined;
    await waitFor('it to be unready', async () => {
      told = (await list()).find(({ id, state }) => id === instance && state === 'unready');
      return told !== undefined;
    });
    await waitFor('requests there again', () => outAfterMs(instance, beganMs) !== undefined);
    return { outMs: outAfterMs(instance, beganMs), told };
  };

  beforeAll(async () => {
    platform = await TestPlatform.start({ name: 'health' });
    repository = await deployed(platform, 'shop', 'health');
    await platform.json(['settings', 'set', '-a', 'shop', 'health-path=/up']);
    await platform.json(['scale', '-a', 'shop', 'web=2']);
    timer = setInterval(() => {
      const one = ask().finally(() => open.delete(one));
      open.add(one);
    }, ASK_EVERY_MS);
  });
  afterAll(async () => {
    clearInterval(timer);
    await Promise.allSettled(open);
    await repository.remove();
    await platform.destroy();
  });

  it('is out of routing within two seconds when it says so, and back by itself', async () => {
    const { outMs, told } = await unwell('/unready?ms=3500');
    process.stdout.write(`unready: last request there after ${Math.round(outMs ?? 0)} ms\n`);
    expect(outMs).toBeLessThan(OUT_WITHIN_MS);
    expect(told?.unready).toMatchObject({
      cause: 'readiness',
      got: 'HTTP 503 to GET /up: the database does not answer',
    });
  });

  it('is out of routing within two seconds when it hangs, and back by itself', async () => {
    const { outMs, told } = await unwell('/hang?ms=4500');
    process.stdout.write(`hung: last request there after ${Math.round(outMs ?? 0)} ms\n`);
    expect(outMs).toBeLessThan(OUT_WITHIN_MS);
    expect(told?.unready?.got).toBe('no answer to GET /up within 1 s');
  });

  it('fails nobody, is not started again, and a single one is answered for at once', async () => {
    // What is asked from now on would not be answered yet when all else is.
    clearInterval(timer);
    await Promise.all(open);
    expect(asked.filter(({ status }) => status !== 200)).toEqual([]);
    expect((await list()).map(({ restarts }) => restarts)).toEqual([0, 0]);
    await platform.json(['scale', '-a', 'shop', 'web=1']);
    await platform.get('shop', '/hang?ms=4000');
    const beganMs = performance.now();
    await waitFor('503', async () => {
      if ((await list())[0]?.state !== 'unready') return false;
      return (await platform.get('shop')).status === 503;
    });
    expect(performance.now() - beganMs).toBeLessThan(4_000);
  });
});
