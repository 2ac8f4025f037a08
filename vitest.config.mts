import { defineConfig } from 'vitest/config';

// Four levels by file name: `.spec` touches nothing outside the process, `.int.spec` one real neighbour,
// `.e2e.spec` the whole stack, `.engine.spec` that and ends the engine, of which it has one of its own.
// SHIPLOG_TEST_LEVEL picks one; `scripts/test.cjs` runs all.
const level = process.env['SHIPLOG_TEST_LEVEL'] ?? 'unit';

const include = {
  unit: ['{apps,libs,tools,test}/**/*.spec.ts'],
  int: ['{apps,libs}/**/*.int.spec.ts'],
  e2e: ['test/**/*.e2e.spec.ts'],
  engine: ['test/**/*.engine.spec.ts'],
}[level];

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
    // Most of an int test's time is waiting for its neighbour.
    fileParallelism: level === 'unit' || level === 'int',
    ...(level === 'int' ? { maxWorkers: 2 } : {}),
  },
});
