import { describe, expect, it } from 'vitest';
import { LineSplitter, cleanLine } from './output-lines.js';

describe('a line of output', () => {
  it('loses colours and tricks of the terminal', () => {
    expect(cleanLine('\u001b[31mred\u001b[0m\u0007 \u001b]0;title\u0007end\r')).toBe('red end');
  });
  it('shows of a progress bar what it drew last', () => {
    expect(cleanLine('10%\r50%\r100%')).toBe('100%');
  });
  it('keeps passwords to itself', () => {
    expect(cleanLine('fetching https://user:secret@registry.test/x')).toBe(
      'fetching https://***@registry.test/x',
    );
    expect(cleanLine('//registry.test/:_authToken=abc123')).toBe('//registry.test/:_authToken=***');
  });
  it('has an end', () => {
    expect(cleanLine('x'.repeat(5000))).toHaveLength(2000);
  });
});

describe('pieces of text', () => {
  it('become lines, the last one too', () => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    for (const piece of ['a', 'b\nc', '\n', 'd']) splitter.push(piece);
    splitter.flush();
    expect(lines).toEqual(['ab', 'c', 'd']);
  });
});
