import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { linesOf } from './lines-of.js';

const linesIn = async (...pieces: Buffer[]): Promise<string[]> => {
  const lines: string[] = [];
  for await (const line of linesOf(Readable.from(pieces))) lines.push(line);
  return lines;
};

it('ends a line at a line feed and nowhere else, wherever the pieces end', async () => {
  const text = Buffer.from('{"a":"\u2028\u2029\u0085ü"}\n\n{"b":1}\nrest');
  const lines = text.toString('utf8').split('\n');
  expect(await linesIn(text)).toEqual(lines);
  expect(await linesIn(...[...text].map((byte) => Buffer.from([byte])))).toEqual(lines);
  expect(await linesIn(Buffer.from('whole\n'))).toEqual(['whole']);
  expect(await linesIn()).toEqual([]);
});
