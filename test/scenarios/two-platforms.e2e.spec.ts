import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestPlatform } from '../support/platform.js';
import { deployed } from '../support/repository.js';

describe('two platforms on one engine', () => {
  let one: TestPlatform;
  let two: TestPlatform;
  beforeAll(async () => {
    one = await TestPlatform.start({ name: 'one' });
    two = await TestPlatform.start({ name: 'two' });
  });
  afterAll(async () => Promise.all([one.destroy(), two.destroy()]));

  it('serve apps of the same name and do not touch each other', async () => {
    for (const platform of [one, two])
      await (await deployed(platform, 'hello', 'node-hello')).remove();
    const before = (await two.containers()).map(({ Id }) => Id);
    await one.json(['apps', 'destroy', '-a', 'hello', '--confirm', 'hello']);
    expect((await one.get('hello')).status).toBe(404);
    expect((await two.get('hello')).status).toBe(200);
    expect((await two.containers()).map(({ Id }) => Id)).toEqual(before);
  });

  it('refuse to run twice on one home', async () => {
    const second = await one.startSecond();
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('runs already');
  });

  it('takes the changes of two writers on one app one after the other', async () => {
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        two.cli(['config', 'set', '-a', 'hello', '--no-wait', `KEY_${i}=${i}`]),
      ),
    );
    expect(results.map(({ code }) => code)).toEqual(Array.from({ length: 8 }, () => 0));
    const config = await two.json<{ key: string }[]>(['config', 'list', '-a', 'hello']);
    expect(config.map(({ key }) => key)).toEqual(Array.from({ length: 8 }, (_, i) => `KEY_${i}`));
  });
});
