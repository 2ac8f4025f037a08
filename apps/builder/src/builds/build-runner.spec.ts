import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathsOf } from '@shiplog/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { TestBuilder } from '../testing/test-builder.js';

describe('a build that the builder cannot carry out', () => {
  let builder: TestBuilder;
  afterEach(async () => builder.stop());

  it('is tried a few times, and then fails with what went wrong', async () => {
    const engine = { SHIPLOG_ENGINE: 'unix:///nowhere/docker.sock' };
    builder = await TestBuilder.start(`builder-fault-${process.pid}`, {}, engine);
    await builder.createApp('a1');
    const digest = `sha256:${'0'.repeat(64)}`;
    // A directory in the place of the source: the error is none that a source or an engine makes.
    const { sources } = pathsOf(builder.context.config.home);
    await mkdir(join(sources, `${'0'.repeat(64)}.tar`), { recursive: true });
    const source = { kind: 'archive', digest, via: 'upload', commit: null, branch: null } as const;
    const id = await builder.request('a1', source);
    const explanation = await builder.failed(id, 10_000);
    expect(explanation).toMatchObject({ code: 'build-failed' });
    expect(explanation.summary).toMatch(/could not be carried out: EISDIR/);
    expect(explanation.remedy).toMatch(/source is not to blame/);
  }, 15_000);
});
