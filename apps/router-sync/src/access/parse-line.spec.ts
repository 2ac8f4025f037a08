import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter, parseAccessLine } from './parse-line.js';

const LINE =
  '1795710523.337 a1 slot0001/s3 0b4c GET shop.localhost 200 94 155 12 0 +1 -- /cart#22#23';

describe('a line of the access log', () => {
  it('is what happened', () => {
    expect(parseAccessLine(LINE)).toEqual({
      ...{ timeMs: 1_795_710_523_337, appId: 'a1', server: 'slot0001/s3', requestId: '0b4c' },
      ...{ method: 'GET', host: 'shop.localhost', path: '/cart"#', status: 200 },
      ...{ bytesIn: 94, bytesOut: 155, durationMs: 12, queueMs: 0, retries: 1 },
      termination: '--',
    });
  });

  it('is none with a field more or less, or with words for numbers', () => {
    expect(parseAccessLine(`${LINE} x`)).toBeUndefined();
    expect(parseAccessLine('')).toBeUndefined();
    expect(parseAccessLine(LINE.replace('200', 'x'))).toBeUndefined();
  });

  it('reached no instance where the proxy names none', () => {
    for (const none of ['-', 'slot0001/<NOSRV>', 'apps/<NOSRV>'])
      expect(parseAccessLine(LINE.replace('slot0001/s3', none))?.server).toBeNull();
  });
});

describe('chunks', () => {
  it('are the same lines however they are cut', () => {
    const text = `${LINE}\n\nab\nc\n`;
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const seen: string[] = [];
        const splitter = new LineSplitter((line) => seen.push(line));
        const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        at.slice(1).forEach((end, i) => splitter.push(text.slice(at[i], end)));
        expect(seen).toEqual([LINE, 'ab', 'c']);
      }),
    );
  });
});
