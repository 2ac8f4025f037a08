import type Docker from 'dockerode';
import { LABEL } from '@shiplog/engine';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CgroupPaths } from './cgroups/locate.js';
import { WatchedContainers } from './watched-containers.js';

let inspected: string[];
let listed: number;
/** Container id → PID. */
let running: Map<string, number>;
/** PID → container that it belongs to. */
let processes: Map<number, string>;
let refusal: Error | undefined;

const engine = {
  listContainers: () => {
    listed += 1;
    return Promise.resolve(
      [...running.keys()].map((Id) => ({
        Id,
        Labels: { [LABEL.instance]: `i-${Id}` },
        Names: [`/${Id}`],
      })),
    );
  },
  getContainer: (id: string) => ({
    inspect: () => {
      inspected.push(id);
      const Pid = running.get(id) ?? 0;
      const container = {
        State: { Running: true, Pid },
        Config: { Labels: id.startsWith('c') ? { [LABEL.instance]: `i-${id}` } : {} },
        Name: `/${id}`,
      };
      return refusal ? Promise.reject(refusal) : Promise.resolve(container);
    },
  }),
} as unknown as Docker;

const findCgroup = (pid: number): CgroupPaths => {
  const id = processes.get(pid);
  if (id === undefined) throw Object.assign(new Error('no such process'), { code: 'ENOENT' });
  return { memory: `/docker/${id}` } as CgroupPaths;
};

const answer = (statusCode: number) => Object.assign(new Error('refused'), { statusCode });

const start = (id: string, pid: number): void => {
  running.set(id, pid);
  processes.set(pid, id);
};

let watched: WatchedContainers;
const pids = () => watched.all().map(({ containerId, pid }) => [containerId, pid]);

beforeEach(async () => {
  inspected = [];
  listed = 0;
  running = new Map();
  processes = new Map();
  refusal = undefined;
  watched = new WatchedContainers(engine, 'test', findCgroup);
  start('c1', 101);
  start('c2', 102);
  await watched.refresh();
  inspected = [];
});

describe('one that started', () => {
  it('is asked for alone', async () => {
    start('c3', 103);
    await watched.add('c3');
    expect(inspected).toEqual(['c3']);
    expect(listed).toBe(1);
    expect(pids()).toContainEqual(['c3', 103]);
    expect(watched.all().at(-1)).toMatchObject({ instanceId: 'i-c3', name: 'c3' });
  });

  it('is left out when it is no instance, or went away before the engine answered', async () => {
    start('resolver', 103);
    await watched.add('resolver');
    start('c3', 104);
    const adding = watched.add('c3');
    watched.forget('c3');
    await adding;
    refusal = answer(404);
    await watched.add('c4');
    expect(pids()).toHaveLength(2);
  });

  it('takes the place of its earlier run', async () => {
    start('c1', 111);
    watched.forget('c1');
    await watched.add('c1');
    expect(pids()).toContainEqual(['c1', 111]);
  });
});

describe('looking again', () => {
  it('leaves out what ended since the engine was asked', async () => {
    const looking = watched.refresh();
    watched.forget('c2');
    await looking;
    expect(pids()).toEqual([['c1', 101]]);
  });

  it('asks the engine about what is new only', async () => {
    start('c3', 103);
    await watched.refresh();
    expect(inspected).toEqual(['c3']);
    expect(watched.all()).toHaveLength(3);
  });

  it('finds the process of a container that was started again unseen, its old PID gone or given away', async () => {
    processes.delete(101);
    start('c1', 111);
    processes.set(102, 'somebody else');
    start('c2', 112);
    await watched.refresh();
    expect(pids()).toEqual([
      ['c1', 111],
      ['c2', 112],
    ]);
  });

  it.each([404, 500])('leaves out what the engine answers %i for', async (status) => {
    running.set('c3', 103);
    refusal = answer(status);
    await watched.refresh();
    expect(pids()).toHaveLength(2);
  });

  it('keeps what it knows when the engine does not answer', async () => {
    running.set('c3', 103);
    refusal = new Error('connect ECONNREFUSED');
    await expect(watched.refresh()).rejects.toBe(refusal);
    expect(pids()).toHaveLength(2);
  });
});
