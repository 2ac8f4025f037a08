import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarOf } from '../testing/source-archives.js';
import { TestBuilder } from '../testing/test-builder.js';

describe('layers that are in no image', () => {
  let builder: TestBuilder;
  beforeAll(async () => {
    builder = await TestBuilder.start(`builder-layers-${process.pid}`);
    await builder.createApp('a1');
  });
  afterAll(async () => builder.destroy());

  const stages = (text: string) =>
    tarOf({
      Dockerfile:
        'FROM scratch AS build\nCOPY a /a\nFROM scratch\nCOPY --from=build /a /a\nCMD ["/a"]\n',
      a: text,
    });

  it('have a name until the next build replaces them', async () => {
    await builder.succeeded(await builder.requestSource('a1', stages('1')));
    const [first] = await builder.caches('a1');
    expect(first?.name).toMatch(/:a1-b1-stage-1$/);
    await builder.succeeded(await builder.requestSource('a1', stages('2')));
    const [second, ...more] = await builder.caches('a1');
    expect(second?.name).toMatch(/:a1-b2-stage-1$/);
    expect(more).toEqual([]);
    await expect(builder.engine.getImage(first?.id ?? '').inspect()).rejects.toThrow(/no such/i);
  });

  it('of a build that failed go with the next one that fails, and all with their app', async () => {
    const failing = (text: string) =>
      tarOf({ Dockerfile: 'FROM scratch\nCOPY a /a\nRUN ["/nothing"]\n', a: text });
    const third = await builder.requestSource('a1', failing('3'));
    await builder.failed(third);
    await builder.failed(await builder.requestSource('a1', failing('4')));
    const names = (await builder.caches('a1')).map(({ name }) => name.replace(/^.*:/, ''));
    expect(names.toSorted()).toEqual(['a1-b2-stage-1', 'a1-b4-unfinished-1']);
    await builder.handle('a1', { type: 'DestroyApp', confirm: 'a1' });
    for (let left = names.length; left > 0; left = (await builder.caches('a1')).length) {
      await setTimeout(100);
    }
  });
});
