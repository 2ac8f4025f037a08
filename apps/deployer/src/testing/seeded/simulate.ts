import { expect, it } from 'vitest';
import { live, type Outcome } from './live.js';

const SEEDS = Number(process.env['SIMULATION_SEEDS'] ?? 2000);
/** Beyond these: lives that found something once. */
const FOUND = [1_000_821, 1_005_419, 2_002_358, 2_011_144];
/** Only this one, with everything that happens in it. */
const ONE = process.env['SIMULATION_SEED'];
const LAST_LINES = 60;

/** What a person reads of a seed that found something: what, how to see it again, what came before it. */
const told = ({ seed, violations, trace }: Outcome): string =>
  [
    ...violations.map(({ property, what }) => `${property}: ${what}`),
    `again, in full: SIMULATION_SEED=${seed} npx vitest run apps/deployer/src/simulation`,
    '',
    ...(ONE === undefined ? trace.slice(-LAST_LINES) : trace),
  ].join('\n');

/** One part of all seeds: parts are files, so that they are lived on all cores. */
export const simulate = (part: number, parts: number): void => {
  const usual = [...Array.from({ length: SEEDS }, (_, i) => i + 1), ...FOUND];
  const all = ONE === undefined ? usual : [Number(ONE)];
  const own = all.filter((seed) => seed % parts === part - 1);
  it(`keeps every promise in ${own.length} lives of an app`, { timeout: 600_000 }, async () => {
    for (const seed of own) {
      const outcome = await live(seed);
      if (outcome.violations.length > 0) expect.fail(told(outcome));
      if (ONE !== undefined) process.stdout.write(`${outcome.trace.join('\n')}\n`);
    }
  });
};
