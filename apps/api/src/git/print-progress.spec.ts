import { describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../progress/index.js';
import { printProgress } from './print-progress.js';

const explanation = {
  code: 'exited',
  summary: 'web exited with code 42 right after it started',
  remedy: 'set what is missing',
  tried: 'started 3 times',
  probe: null,
  listening: ['127.0.0.1:3000'],
  exitCode: 42,
  oomKilled: false,
  instanceId: null,
  logLines: ['compiling', '\u001b[31mError: boom\u001b[0m'],
};

const print = async (...events: readonly Partial<ProgressEvent>[]) => {
  const said: string[] = [];
  const all = (async function* () {
    for (const event of events) yield await Promise.resolve(event as ProgressEvent);
  })();
  const isLive = await printProgress(all, (text) => said.push(text));
  return { said, isLive };
};

describe('progress on the terminal of who pushes', () => {
  it('shows output, steps and the end', async () => {
    const { said, isLive } = await print(
      { kind: 'output', text: '\u001b[32mok\u001b[0m\tfine' },
      { kind: 'step', text: 'release v1 created' },
      { kind: 'done', text: 'hello v1 is live' },
    );
    expect(isLive).toBe(true);
    expect(said).toEqual([
      '       ok  fine',
      '-----> release v1 created',
      '-----> hello v1 is live',
    ]);
  });

  it('explains a failure, and says nothing twice', async () => {
    const { said, isLive } = await print(
      { kind: 'output', text: 'compiling' },
      { kind: 'failed', text: explanation.summary, explanation },
    );
    expect(isLive).toBe(false);
    expect(said.slice(1)).toEqual([
      ' !     web exited with code 42 right after it started',
      ' !     tried: started 3 times',
      ' !     it listens on 127.0.0.1:3000',
      ' !     last lines:',
      ' !       compiling',
      ' !       Error: boom',
      ' !     what would help: set what is missing',
    ]);
  });

  it('leaves out last lines that stand right above', async () => {
    const { said } = await print(
      { kind: 'output', text: 'compiling' },
      { kind: 'output', text: 'Error: boom' },
      { kind: 'failed', text: 'The build failed with exit code 42.', explanation },
    );
    expect(said.join('\n')).not.toContain('last lines');
  });

  it('is not live when the news end without an end', async () => {
    expect(await print({ kind: 'step', text: 'building' })).toMatchObject({ isLive: false });
  });
});
