import { describe, expect, it } from 'vitest';
import { SourceRefusedError } from '../sources/source-refused.js';
import { explainBuild } from './explain.js';
import {
  BuildInterrupted,
  EngineUnavailableError,
  ImageNotFoundError,
  StepFailedError,
} from './problems.js';

const limits = { timeMs: 15 * 60_000, memoryBytes: 2 * 1024 ** 3 };
const explain = (problem: unknown, lines: readonly string[] = []) =>
  explainBuild(problem, lines, limits);

describe('why a build failed', () => {
  it('names the step, its exit code and the last lines', () => {
    const lines = Array.from({ length: 60 }, (_, i) => `line ${i}`);
    const explanation = explain(new StepFailedError('RUN npm run build', 2, 'returned'), lines);
    expect(explanation).toMatchObject({
      code: 'build-failed',
      summary: 'The build failed at "npm run build" with exit code 2.',
      exitCode: 2,
    });
    expect(explanation?.logLines).toEqual(lines.slice(10));
  });

  it('knows what tools print when a lock file is out of date', () => {
    const said = ['npm error `npm ci` can only install packages when your package.json and …'];
    expect(explain(new StepFailedError('RUN npm ci --x', 1, ''), said)?.remedy).toContain(
      'commit package-lock.json',
    );
  });

  it('tells memory from other ends', () => {
    expect(explain(new StepFailedError('RUN x', 137, ''))).toMatchObject({ oomKilled: true });
    expect(explain(new StepFailedError('RUN x', 1, ''))).toMatchObject({ oomKilled: false });
    const oomOf = (line: string) => explain(new StepFailedError('RUN x', 1, ''), [line])?.oomKilled;
    expect(oomOf('  Killed')).toBe(true);
    expect(oomOf('sh: line 1:    17 Killed                  node build.js')).toBe(true);
    expect(oomOf('npm error signal SIGKILL')).toBe(true);
    expect(oomOf('  2 mutants killed, 1 survived')).toBe(false);
    expect(oomOf('the old server was killed by the test')).toBe(false);
  });

  it('tells a base image that cannot be had', () => {
    const said = 'pull access denied for nobody/nothing, repository does not exist';
    expect(explain(new StepFailedError('FROM nobody/nothing', null, said))?.summary).toContain(
      'The base image of "FROM nobody/nothing"',
    );
  });

  it('says what was wrong with the source, and what to do', () => {
    expect(explain(new SourceRefusedError('It is empty.', 'Fill it.'))).toMatchObject({
      summary: 'It is empty.',
      remedy: 'Fill it.',
    });
  });

  it('says the limit that was reached', () => {
    expect(explain(new BuildInterrupted('timed-out'))?.summary).toContain('15 minutes');
  });

  it('does not blame the source for the engine or the registry', () => {
    expect(explain(new EngineUnavailableError('x'))?.code).toBe('engine-unavailable');
    expect(explain(new ImageNotFoundError('a/b:1', 'no such host'))?.code).toBe('image-not-found');
  });

  it('is nothing to be said of a bug or of a stop', () => {
    expect(explain(new TypeError('x'))).toBeUndefined();
    expect(explain(new BuildInterrupted('stopping'))).toBeUndefined();
  });
});
