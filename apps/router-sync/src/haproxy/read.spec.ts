import { describe, expect, it } from 'vitest';
import { readState } from './read.js';
import type { HaproxyRuntime } from './runtime.js';
import { STATE_FILE_HEADER } from './state.js';

/** A worker with so many backends of two places each; apps have all but the last backend, and one place of each. */
const worker = (backends: number) => {
  const names = Array.from({ length: backends }, (_, i) => `slot${String(i + 1).padStart(4, '0')}`);
  const lines = (name: string, i: number): string =>
    [1, 2]
      .map(
        (n) =>
          `${i + 9} ${name} ${n} s${n} 127.0.0.${n} 2 4 1 1 1 15 3 1 6 0 0 0 - 9000 - 0 0 - - 0\n`,
      )
      .join('');
  const owners = names
    .slice(0, -1)
    .flatMap((name) => [`0x1 ${name} app-${name}`, `0x2 ${name}/s1 i-${name}`]);
  const asked: string[] = [];
  const answer = (command: string): string => {
    asked.push(command);
    if (command === 'show info') return 'Pid: 7\nStart_time_sec: 1\n';
    if (command === 'show map owners.map') return owners.join('\n');
    if (command === 'show servers state') return STATE_FILE_HEADER + names.map(lines).join('');
    const i = names.indexOf(command.replace('show servers state ', ''));
    return i === -1 ? '' : STATE_FILE_HEADER + lines(names[i] ?? '', i);
  };
  const runtime = { ask: (commands: readonly string[]) => Promise.resolve(commands.map(answer)) };
  return { runtime: runtime as unknown as HaproxyRuntime, asked, names };
};

describe('what a worker of HAProxy holds', () => {
  it.each([1, 2, 257, 258, 400])(
    'is the places that somebody has, however many backends there are: %i',
    async (backends) => {
      const { runtime, names } = worker(backends);
      const { state, known } = await readState(runtime);
      const owned = names.slice(0, -1);
      expect([...state.servers.keys()]).toEqual(owned.map((name) => `${name}/s1`));
      expect([...known.byBackend.keys()]).toEqual(owned);
      for (const [name, slots] of known.byBackend)
        expect(slots.map(({ key }) => key)).toEqual([`${name}/s1`, `${name}/s2`]);
    },
  );

  it('is asked for at once where very many backends are not known, and of those alone that were touched after that', async () => {
    const { runtime, asked } = worker(400);
    const { state, known } = await readState(runtime);
    expect(asked.filter((command) => command.startsWith('show servers'))).toEqual([
      'show servers state',
    ]);
    known.touched.add('slot0007');
    known.byBackend.delete('slot0007');
    asked.length = 0;
    expect((await readState(runtime, known)).state.servers.size).toBe(state.servers.size);
    expect(asked.filter((command) => command.startsWith('show servers'))).toEqual([
      'show servers state slot0007',
    ]);
  });
});
