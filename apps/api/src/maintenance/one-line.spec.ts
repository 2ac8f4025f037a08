import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { onOneLine } from './one-line.js';

describe('a page on one line', () => {
  it('keeps what is seen and what scripts do', () => {
    const page = '<p>\r\na\tb\n</p><pre>x\n\ty</pre><script>// one\nf()</script>';
    expect(onOneLine(page)).toBe(
      '<p> a b </p><pre>x&#10;&#9;y</pre><script>// one\u2028f()</script>',
    );
  });

  it('has no control character, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(onOneLine(text)).not.toMatch(/[\u0000-\u001f\u007f]/);
      }),
    );
  });
});
