import canonicalize from 'canonicalize';
import type { DumpRow } from './row-store.js';

/** One line of the dump, with its newline. */
export const dumpLine = ({ model, key, document }: DumpRow): string => {
  const line = canonicalize({ model, key, document });
  if (line === undefined) throw new Error(`document ${key} of ${model} is not JSON`);
  return `${line}\n`;
};
