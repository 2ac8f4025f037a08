import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarOf, tarOfApp } from '../testing/source-archives.js';
import { TestBuilder } from '../testing/test-builder.js';

describe('images that were lost', () => {
  let builder: TestBuilder;
  beforeAll(async () => {
    builder = await TestBuilder.start(`builder-lost-${process.pid}`);
    await builder.createApp('a1');
  });
  afterAll(async () => builder.destroy());

  it('are made again from the kept source when a release needs them', async () => {
    const id = await builder.requestSource('a1', await tarOfApp('dockerfile-app'));
    const { image, processes } = await builder.succeeded(id);
    await builder.release('a1', id, { image, processes });
    await builder.engine.getImage(image.id).remove({ force: true });
    const again = await builder.until('the image to be recorded anew', () => {
      const { state } = builder.world.get('build', id);
      return state.status === 'succeeded' && state.image.id !== image.id ? state : undefined;
    });
    expect(await builder.runIn(again.image.id, ['node', '--check', 'server.js'])).toBe('');
    expect(again.lost).toBeNull();
  });

  it('are named with the reason when they are nowhere', async () => {
    const built = await builder.succeeded(
      await builder.requestSource('a1', await tarOfApp('dockerfile-app')),
    );
    const id = await builder.request('a1', { kind: 'image', ref: built.image.ref });
    const { image, processes } = await builder.succeeded(id);
    await builder.release('a1', id, { image, processes });
    await builder.engine.getImage(image.id).remove({ force: true });
    const lost = await builder.until('the image to be recorded as lost', () => {
      const { state } = builder.world.get('build', id);
      return state.status === 'succeeded' && state.lost !== null ? state.lost : undefined;
    });
    expect(lost.code).toBe('image-lost');
    expect(lost.summary).toContain(built.image.ref);
  });

  it('are found again when somebody loads them into the engine', async () => {
    const built = await builder.succeeded(
      await builder.requestSource('a1', tarOf({ Dockerfile: 'FROM scratch\nCOPY a /\n', a: '1' })),
    );
    const id = await builder.request('a1', { kind: 'image', ref: built.image.ref });
    const { image, processes } = await builder.succeeded(id);
    await builder.release('a1', id, { image, processes });
    const saved = await buffer(await builder.engine.getImage(built.image.ref).get());
    const lost = (): unknown => {
      const { state } = builder.world.get('build', id);
      return state.status === 'succeeded' ? state.lost : undefined;
    };
    await builder.engine.getImage(image.id).remove({ force: true });
    await builder.until('the image to be recorded as lost', () => lost() ?? undefined);
    await builder.engine.loadImage(Readable.from([saved]));
    await builder.until('the image to be found', () => (lost() === null ? true : undefined));
  });
});
