import { describe, expect, it } from 'vitest';
import { engineMessage } from './engine-errors.js';

describe('what an engine says', () => {
  it('is told without the words of its client', () => {
    const said = '(HTTP code 500) server error - Cannot locate specified Dockerfile: Dockerfile ';
    expect(engineMessage(new Error(said))).toBe('Cannot locate specified Dockerfile: Dockerfile');
    expect(engineMessage(new Error('(HTTP code 400) unexpected - parse error - line 1 '))).toBe(
      'parse error - line 1',
    );
    expect(engineMessage(new Error('socket hang up'))).toBe('socket hang up');
  });
});
