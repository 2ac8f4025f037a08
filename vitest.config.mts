import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.js';

// Four levels by file name: `.spec` touches nothing outside the process, `.int.spec` one real neighbour,
// `.e2e.spec` the whole stack, `.engine.spec` that and ends the engine, of which it has one of its own.
// SHIPLOG_TEST_LEVEL picks one; `scripts/test.cjs` runs all.
const level = process.env['SHIPLOG_TEST_LEVEL'] ?? 'unit';

const include = {
  unit: ['{apps,libs,tools,test}/**/*.spec.ts'],
  int: ['{apps,libs}/**/*.int.spec.ts'],
  e2e: [], // Each lane names its own.
  engine: ['test/**/*.engine.spec.ts'],
}[level];

/** They measure how long somebody waits: after all others, with no more than one of their own kind beside them. */
const measuring = [
  'test/scenarios/{health,under-load}.e2e.spec.ts',
  'test/faults/{companions-killed,full-disk}.e2e.spec.ts',
];
/** The others wait most of the time, for an engine, a build, a deadline. */
const lanes: TestProjectConfiguration[] = [
  {
    extends: true,
    test: { name: 'measuring', include: measuring, maxWorkers: 2, sequence: { groupOrder: 1 } },
  },
  {
    extends: true,
    test: {
      name: 'waiting',
      include: ['test/**/*.e2e.spec.ts'],
      exclude: measuring,
      maxWorkers: 2,
      sequence: { groupOrder: 0 },
    },
  },
];

export default defineConfig({
  // Decorated classes need emitted metadata: OXC does both without a plugin.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } } as never,
  resolve: { conditions: ['development'] },
  ssr: { resolve: { conditions: ['development'] } },
  test: {
    include,
    exclude: [
      '**/node_modules/**',
      '**/dist/**',
      ...(level === 'unit' ? ['**/*.{int,e2e,engine}.spec.ts'] : []),
    ],
    globalSetup: level === 'e2e' ? ['./test/support/leftovers.ts'] : [],
    setupFiles: ['./test/support/setup.ts'],
    testTimeout: level === 'unit' ? 10_000 : level === 'int' ? 60_000 : 300_000,
    hookTimeout: level === 'unit' ? 10_000 : 300_000,
    // By itself it waits for one second: less than a busy machine may take.
    expect: { poll: { timeout: level === 'unit' ? 5_000 : 15_000 } },
    fileParallelism: level !== 'engine',
    // A failure is told whole: one that happens once in a hundred runs is understood from its text or not at all.
    chaiConfig: { truncateThreshold: 0 },
    ...(level === 'e2e' ? { sequence: { sequencer: LongestFirst } } : {}),
    // Loading what is tested takes as long as testing it. Specs share no state: they make what they need.
    isolate: level !== 'unit',
    // Two cores are the least that there are; by itself vitest leaves one of them to itself, which does little with it.
    ...(level === 'int' || level === 'unit' ? { maxWorkers: 2 } : {}),
    ...(level === 'e2e' ? { projects: lanes } : {}),
  },
});
