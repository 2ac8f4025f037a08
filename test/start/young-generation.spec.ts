import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const MODULE = fileURLToPath(new URL('../../scripts/lib/young-generation.cjs', import.meta.url));

/** Makes garbage, some of which is needed for a while, and answers how large the young generation became. */
const GROW = `
  const grow = () => {
    let kept = [];
    let most = 0;
    for (let i = 0; i < 400_000; i += 1) {
      kept.push({ i, own: [i] });
      if (kept.length > 100_000) kept = [];
      if (i % 1_000 > 0) continue;
      const [young] = v8.getHeapSpaceStatistics().filter((space) => space.space_name === 'new_space');
      most = Math.max(most, young.space_size);
    }
    return Math.round(most / 1_048_576);
  };`;

const SCRIPT = `
  const v8 = require('node:v8');
  const { Worker } = require('node:worker_threads');
  ${GROW}
  require(${JSON.stringify(MODULE)}).leaveOthersTheirs();
  const thread = new Worker(
    \`const v8 = require('node:v8'); ${GROW} require('node:worker_threads').parentPort.postMessage(grow());\`,
    { eval: true, resourceLimits: { maxYoungGenerationSizeMb: 96 } },
  );
  thread.once('message', (other) => console.log(JSON.stringify({ own: grow(), other })));`;

it('leaves a thread the young generation that it asks for, and its own small', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--max-semi-space-size=1',
    '-e',
    SCRIPT,
  ]);
  const { own, other } = JSON.parse(stdout) as { own: number; other: number };
  expect(own).toBeLessThanOrEqual(2);
  expect(other).toBeGreaterThan(4);
});
