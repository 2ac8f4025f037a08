import { describe, expect, it, vi } from 'vitest';
import { EngineError, type Container, type ContainerEngine } from './container-engine.port.js';
import { EngineView } from './observe.js';

const container = (id: string): Container => ({
  ...{ id, name: id, instanceId: `web-${id}`, appId: 'a1', status: 'running' },
  ...{ startedAt: '2026-01-01T00:00:00Z', finishedAt: null, exitCode: null, oomKilled: false },
  ...{ restartCount: 0, restartPolicy: 'no', pid: null, limits: null },
});
type Answer = Container | EngineError | undefined;
const anyInstance = (): boolean => true;

/** Two containers; the engine hangs at the first until it is told what to answer. */
const setUp = () => {
  let answer: (told: Answer) => void = () => undefined;
  let ids = ['c1', 'c2'];
  let asked = 0;
  const engine = {
    list: () =>
      Promise.resolve(
        ids.map((id) => ({ id, instanceId: `web-${id}`, status: 'running' as const })),
      ),
    inspect: (id: string) => {
      if (id !== 'c1') return Promise.resolve(container(id));
      asked += 1;
      return new Promise<Container | undefined>((resolve, reject) => {
        answer = (told) => (told instanceof EngineError ? reject(told) : resolve(told));
      });
    },
  } as unknown as ContainerEngine;
  const waits: number[] = [];
  const onLate = vi.fn();
  const onHidden = vi.fn();
  const sleep = (ms: number) => {
    waits.push(ms);
    return new Promise<void>((resolve) => setImmediate(resolve));
  };
  const view = new EngineView(engine, { onLate, onHidden, sleep });
  return {
    ...{ view, waits, onLate, onHidden },
    asked: () => asked,
    take: (id: string) => (ids = ids.filter((each) => each !== id)),
    answer: async (told: Answer) => {
      answer(told);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
};

describe('a look at a container at which the engine hangs', () => {
  it('hides that one from the round, and no other', async () => {
    const { view, waits, onHidden } = setUp();
    expect([...(await view.refresh(anyInstance))]).toEqual(['web-c2']);
    expect([...view.hidden]).toEqual(['web-c1']);
    expect(Math.max(...waits)).toBe(5000);
    expect(onHidden).toHaveBeenCalledExactlyOnceWith(
      'c1',
      expect.objectContaining({ code: 'no-answer' }),
    );
  });

  it('goes on beside the rounds, once at a time, and tells when it is answered', async () => {
    const { view, waits, onLate, answer, asked } = setUp();
    await view.refresh(anyInstance);
    waits.length = 0;
    view.distrust();
    await view.refresh(anyInstance);
    expect(asked()).toBe(1);
    await answer(container('c1'));
    expect(onLate).toHaveBeenCalledOnce();
    expect(view.hidden.size).toBe(0);
    expect([...(await view.refresh(anyInstance))]).toContain('web-c1');
  });

  it('is asked again when it was given up, and does not keep a round waiting again', async () => {
    const { view, waits, answer, asked } = setUp();
    await view.refresh(anyInstance);
    await answer(new EngineError('no-answer', 'inspecting', 'no answer within 60 s'));
    expect([...view.hidden]).toEqual(['web-c1']);
    waits.length = 0;
    await view.refresh(anyInstance);
    expect(asked()).toBe(2);
    expect(waits).toEqual([0]);
    await answer(container('c1'));
    expect(view.hidden.size).toBe(0);
  });

  it('hides nothing any more when the container is gone, from the list as well', async () => {
    const { view, answer, take } = setUp();
    await view.refresh(anyInstance);
    take('c1');
    view.relist();
    await view.refresh(anyInstance);
    expect([...view.hidden]).toEqual(['web-c1']);
    await answer(undefined);
    expect(view.hidden.size).toBe(0);
    expect([...(await view.refresh(anyInstance))]).toEqual(['web-c1']);
  });
});

describe('a container that something was asked of without an answer', () => {
  it('is looked at although the list tells nothing new, and nothing is decided until that is answered', async () => {
    const { view, asked, answer } = setUp();
    await view.refresh(anyInstance);
    await answer(container('c1'));
    await view.refresh(anyInstance);
    expect([...view.hidden]).toEqual([]);
    const before = asked();
    view.relist();
    await view.refresh(anyInstance);
    expect(asked()).toBe(before);
    view.doubt('web-c1');
    view.doubt('web-unknown');
    await view.refresh(anyInstance);
    expect(asked()).toBe(before + 1);
    expect([...view.hidden]).toEqual(['web-c1']);
    await answer({ ...container('c1'), status: 'exited' });
    await view.refresh(anyInstance);
    expect(view.containers.get('web-c1')?.status).toBe('exited');
    expect([...view.hidden]).toEqual([]);
  });
});
