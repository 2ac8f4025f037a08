import type { DomainEventUnion } from '@shiplog/events';

export const WEB = 'web';

/** By what routers know a process type of an app: hosts, of `web` alone, and ports (`:32100`). */
export const namesOf = (
  facts: Iterable<{ readonly event: DomainEventUnion }>,
  process: string,
): readonly string[] => {
  const names = new Map<string, string>();
  for (const { event } of facts) {
    if (event.type === 'DomainAdded') names.set(event.data.host, WEB);
    if (event.type === 'DomainRemoved') names.delete(event.data.host);
    if (event.type === 'PortAdded') names.set(`:${event.data.port}`, event.data.process);
    if (event.type === 'PortRemoved') names.delete(`:${event.data.port}`);
  }
  return [...names].filter(([, whose]) => whose === process).map(([name]) => name);
};
