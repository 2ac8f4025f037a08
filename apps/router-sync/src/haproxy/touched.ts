import type { Translation } from './commands.js';
import { FILES } from './file-names.js';
import type { KnownSlots } from './read.js';

/** Places are named in commands as `slot0001/s3` or `tcp32100/s3`, or as `slot0001` alone. */
const touchedBy = (commands: readonly string[]): ReadonlySet<string> =>
  new Set(commands.flatMap((command) => command.match(/\b(?:slot|tcp)\d+\b/g) ?? []));

/** They are read again. */
export const forgetTouched = (known: KnownSlots, commands: readonly string[]): void => {
  for (const backend of touchedBy(commands)) {
    known.byBackend.delete(backend);
    known.touched.add(backend);
  }
};

/** Who saw these places alone knows nothing of others: which are free, and whether a domain is somebody's. */
export const isWithin = (
  { commands, grown }: Translation,
  backends: readonly string[],
): boolean => {
  const isOfDomains = (command: string): boolean => command.includes(` map ${FILES.domains} `);
  const all = new Set(backends);
  return (
    grown === undefined &&
    !commands.some(isOfDomains) &&
    [...touchedBy(commands)].every((backend) => all.has(backend))
  );
};
