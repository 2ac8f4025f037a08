import { usageError } from '../exit-code.js';

/** `key=value` words as pairs, in order; the value may be empty and may contain `=`. */
export const parsePairs = (words: readonly string[], example: string): [string, string][] =>
  words.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 1) {
      // What stands there may be a secret: it is not repeated.
      const shown = equals === 0 ? 'a word that begins with "="' : `"${shorten(word)}"`;
      throw usageError(`${shown} is not of the form key=value`, `For example: ${example}`);
    }
    return [word.slice(0, equals), word.slice(equals + 1)];
  });

const shorten = (word: string): string => (word.length > 20 ? `${word.slice(0, 4)}…` : word);
