/** `a, b`, or that there is none. */
export const list = (words: readonly (string | number)[]): string =>
  words.length === 0 ? 'none' : words.join(', ');
