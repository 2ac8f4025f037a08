import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Tally } from './tally.js';

describe('what a proxy counted, against the lines that were read', () => {
  let tally: Tally;
  const read = (process: string, lines: number): void => {
    for (let i = 0; i < lines; i += 1) tally.line(process);
  };
  beforeEach(() => {
    tally = new Tally();
    tally.begin('a', false);
    tally.answered('a', 100);
  });

  it('begins with us: what was answered before is in no line of ours', () => {
    tally.answered('a', 110);
    read('a', 8);
    expect(tally.counted).toEqual({ answered: 10, missing: 2 });
  });

  it('is of each process: lines of the new one say nothing of what the old one answers', () => {
    tally.begin('b', true);
    tally.answered('a', 103);
    tally.answered('b', 5);
    read('b', 5);
    expect(tally.counted).toEqual({ answered: 8, missing: 3 });
    tally.keep(new Set(['b']));
    read('a', 3);
    expect(tally.counted).toEqual({ answered: 8, missing: 3 });
  });

  it('is never less than none, and a line that came early hides nothing later', () => {
    read('a', 1);
    expect(tally.counted.missing).toBe(0);
    tally.answered('a', 102);
    expect(tally.counted.missing).toBe(1);
  });

  it('goes on with a process that counts from 0 again', () => {
    tally.answered('a', 104);
    read('a', 4);
    tally.answered('a', 3);
    read('a', 2);
    expect(tally.counted).toEqual({ answered: 7, missing: 1 });
  });

  it('is exact however many processes come and go, when each is counted at its end', () => {
    const processes = fc.array(fc.record({ requests: fc.nat(50), lost: fc.nat(50) }));
    fc.assert(
      fc.property(processes, (all) => {
        tally = new Tally();
        for (const [i, { requests, lost }] of all.entries()) {
          tally.begin(`p${i}`, true);
          read(`p${i}`, Math.max(0, requests - lost));
          tally.answered(`p${i}`, requests);
          if (i > 0) tally.keep(new Set([`p${i}`]));
        }
        const requests = all.reduce((sum, one) => sum + one.requests, 0);
        const missing = all.reduce((sum, one) => sum + Math.min(one.requests, one.lost), 0);
        expect(tally.counted).toEqual({ answered: requests, missing });
      }),
    );
  });
});
