import type { OptionSpec } from '../command.js';
import { parseInteger } from './quantity.js';

/** How many of a list are wanted. */
export const LIMIT: OptionSpec = {
  flags: '-n, --limit <count>',
  help: 'at most so many (default: 100)',
  parse: parseInteger('--limit', 1, 1000),
};
