import { appendFile, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BuildOutputs, type OutputLine } from './build-output.js';

describe('the output of a build', () => {
  let directory: string;
  let told: OutputLine[];
  let outputs: BuildOutputs;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'builder-output-'));
    told = [];
    outputs = new BuildOutputs(directory, (_topic, data) => {
      told.push(...(data as { lines: OutputLine[] }).lines);
    });
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('is told and kept, numbered from 1', async () => {
    const output = await outputs.start('b1');
    output.line('one');
    output.line('two');
    await output.close();
    const lines = [
      { n: 1, text: 'one' },
      { n: 2, text: 'two' },
    ];
    expect(told).toEqual(lines);
    expect(await outputs.page('b1', 0)).toEqual(lines);
    expect(await outputs.page('b1', 1)).toEqual(lines.slice(1));
  });

  it('is found while the build runs', async () => {
    const output = await outputs.start('b1');
    output.line('one');
    expect(await outputs.page('b1', 0)).toEqual([{ n: 1, text: 'one' }]);
    await output.close();
  });

  it('goes on where it was cut off by a crash', async () => {
    const before = await outputs.start('b1');
    before.line('one');
    await before.close();
    await appendFile(join(directory, 'b1.ndjson'), '{"n":2,"te');
    const after = await outputs.start('b1');
    after.line('two');
    await after.close();
    expect(await outputs.page('b1', 0)).toEqual([
      { n: 1, text: 'one' },
      { n: 2, text: 'two' },
    ]);
  });

  it('comes in pages that fit in a message', async () => {
    const output = await outputs.start('b1');
    for (let i = 0; i < 1000; i += 1) output.line('x'.repeat(1900));
    await output.close();
    const numbers: number[] = [];
    for (;;) {
      const page = await outputs.page('b1', numbers.at(-1) ?? 0);
      if (page.length === 0) break;
      expect(JSON.stringify(page).length).toBeLessThan(700_000);
      numbers.push(...page.map(({ n }) => n));
    }
    expect(numbers).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  });

  it('knows nothing of builds that are none', async () => {
    expect(await outputs.page('../../etc/passwd', 0)).toEqual([]);
    expect(await outputs.page('nobody', 0)).toEqual([]);
  });

  it('is cleared away when it is old and not wanted', async () => {
    for (const id of ['old', 'wanted', 'young']) {
      await writeFile(join(directory, `${id}.ndjson`), '{"n":1,"text":"x"}\n');
    }
    const longAgo = new Date('2020-01-01');
    await utimes(join(directory, 'old.ndjson'), longAgo, longAgo);
    await utimes(join(directory, 'wanted.ndjson'), longAgo, longAgo);
    await outputs.prune((id) => id === 'wanted', Date.now());
    const left = await Promise.all(['old', 'wanted', 'young'].map((id) => outputs.page(id, 0)));
    expect(left.map((page) => page.length)).toEqual([0, 1, 1]);
  });
});
