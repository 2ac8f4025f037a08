import type Docker from 'dockerode';
import { LABEL } from '@shiplog/engine';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CgroupPaths } from './cgroups/locate.js';
import { WatchedContainers } from './watched-containers.js';

let inspected: string[];
/** Container id → PID. */
let running: Map<string, number>;
/** PID → container that it belongs to. */
let processes: Map<number, string>;
let refusal: Error | undefined;

const engine = {
  listContainers: () =>
    Promise.resolve(
      [...running.keys()].map((Id) => ({
        Id,
        Labels: { [LABEL.instance]: `i-${Id}` },
        Names: [`/${Id}`],
      })),
    ),
  getContainer: (id: string) => ({
    inspect: () => {
      inspected.push(id);
      const Pid = running.get(id) ?? 0;
      return refusal ? Promise.reject(refusal) : Promise.resolve({ State: { Running: true, Pid } });
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
  running = new Map();
  processes = new Map();
  refusal = undefined;
  watched = new WatchedContainers(engine, 'test', findCgroup);
  start('c1', 101);
  start('c2', 102);
  await watched.refresh();
  inspected = [];
});

describe('looking again', () => {
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
