import { expect, it } from 'vitest';
import { positionBefore, START, toPosition } from './sequence.js';

it('goes back one position, and not behind the beginning', () => {
  expect(positionBefore(toPosition(10))).toBe('00000000000000000009');
  expect(positionBefore(toPosition(2n ** 63n))).toBe('09223372036854775807');
  expect(positionBefore(START)).toBe(START);
});
