import type { EsdbFacts } from '@shiplog/events/esdb';
import { bad, ok, type Verdict } from './verdict.js';

/** Its protocol does not tell whether it syncs what it acknowledges. */
export const ESDB_DURABILITY: Verdict = bad(
  'warning',
  'process: EventStoreDB syncs every write by default, and cannot be asked whether this one does',
  'see in its configuration that neither MemDb nor UnsafeDisableFlushToDisk is set (docs/eventstoredb.md)',
);

/** What the api's user can do in EventStoreDB: what it needs, and nothing by which history disappears. */
export const esdbAccessVerdict = (facts: EsdbFacts): Verdict => {
  const who =
    facts.user === undefined ? 'everybody (the server asks for no user)' : `user ${facts.user}`;
  if (!facts.mayReadAll) {
    return bad(
      'failed',
      `${who} may not read all streams: nothing can be followed`,
      'let it read $all (docs/eventstoredb.md)',
    );
  }
  const tooMuch = [
    ...(facts.mayDelete ? ['delete streams'] : []),
    ...(facts.maySetMetadata ? ['cut streams off by their metadata'] : []),
  ];
  if (tooMuch.length > 0) {
    return bad(
      'warning',
      `${who} can ${tooMuch.join(' and ')}: commits could disappear`,
      'give each process a user of its own that may read and append and nothing else (docs/eventstoredb.md)',
    );
  }
  if (!facts.isProbeBounded) {
    return bad(
      'warning',
      `${who} may not bound its probe stream: every probe stays for ever`,
      'set $maxCount of it to 1 as an administrator (docs/eventstoredb.md)',
    );
  }
  return ok(`${who} may read and append, and nothing that makes history disappear`);
};
