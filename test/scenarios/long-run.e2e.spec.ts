import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, runProgram } from '../support/platform.js';

interface Result {
  readonly requests: number;
  readonly failed: readonly unknown[];
  readonly happened: Readonly<Record<string, { readonly count: number }>>;
  readonly targets: readonly { readonly what: string; readonly met: boolean }[];
}

/** A slice of the long run of docs/benchmarks.md: everything happens once, with outages of three seconds. */
it('fails no request that a correct client could not know to repeat, whatever is killed', async () => {
  const args = [join(ROOT, 'bench/long-run.mjs'), '3000', '3', '300'];
  const { stdout, stderr } = await runProgram(process.execPath, args);
  expect(stdout, stderr).not.toBe('');
  const result = JSON.parse(stdout) as Result;
  expect(result.failed).toEqual([]);
  expect(result.targets.filter(({ met }) => !met)).toEqual([]);
  expect(result.requests).toBeGreaterThanOrEqual(3_000);
  expect(Object.values(result.happened).map(({ count }) => count)).toEqual(Array(10).fill(1));
}, 900_000);
