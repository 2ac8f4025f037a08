import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FAULTS } from './faults.js';

describe('fault points', () => {
  it('of the table all stand in the code', async () => {
    const folder = fileURLToPath(new URL('.', import.meta.url));
    const files = (await readdir(folder, { recursive: true })).filter((name) =>
      /(?<!\.spec)\.ts$/.test(name),
    );
    const code = (await Promise.all(files.map((name) => readFile(folder + name, 'utf8')))).join('');
    expect(FAULTS.filter((name) => !code.includes(`fault('${name}')`))).toEqual([]);
    expect(new Set(FAULTS).size).toBeGreaterThanOrEqual(12);
  });
});
