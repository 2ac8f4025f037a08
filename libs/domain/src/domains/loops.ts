import { hostOfDomain, parseDomain, type DomainUse } from '@shiplog/events';
import { hostCandidates } from './candidates.js';

/** What is known of all domains of a platform, whoever has them. */
export interface DomainTable {
  readonly useOf: (domain: string) => DomainUse | undefined;
  /** Domains with this host or wildcard, with and without paths. */
  readonly atHost: (pattern: string) => readonly string[];
}

/**
 * The hosts that a client would be led through by this redirect until it comes back to where it was; undefined
 * where it arrives. Paths stay as they are, so a way may be round for some of them only: that counts, too.
 */
export const redirectLoop = (domain: string, table: DomainTable): readonly string[] | undefined =>
  walk({ domain, path: parseDomain(domain)?.path ?? '' }, { ...table, ends: new Set() }, []);

interface Visit {
  readonly domain: string;
  /** All paths of the clients that come here begin with this. */
  readonly path: string;
}

interface Explored extends DomainTable {
  /** Visits from which every way is known to end. */
  readonly ends: Set<string>;
}

const walk = (
  { domain, path }: Visit,
  table: Explored,
  seen: readonly string[],
): readonly string[] | undefined => {
  if (seen.includes(domain)) return [...seen.slice(seen.indexOf(domain)), domain];
  const use = table.useOf(domain);
  const key = `${domain} ${path}`;
  if (use?.kind !== 'redirect' || table.ends.has(key)) return undefined;
  for (const next of reachable(use.to, path, table)) {
    const loop = walk(next, table, [...seen, domain]);
    if (loop !== undefined) return loop;
  }
  table.ends.add(key);
  return undefined;
};

/** Whatever may answer at a host for a path that begins so: one that covers all of it hides what comes after. */
const reachable = (host: string, path: string, table: DomainTable): readonly Visit[] => {
  const visits: Visit[] = [];
  for (const pattern of hostCandidates(host)) {
    const there = table.atHost(pattern).map((domain) => {
      return { domain, path: domain.slice(hostOfDomain(domain).length) };
    });
    visits.push(...there.filter((one) => isBelow(one.path, path)));
    if (there.some((one) => one.path === path)) return visits;
    const covers = there
      .filter((one) => isBelow(path, one.path))
      .toSorted((a, b) => b.path.length - a.path.length)[0];
    if (covers === undefined) continue;
    visits.push({ domain: covers.domain, path });
    return visits;
  }
  return visits;
};

const isBelow = (path: string, above: string): boolean =>
  path === above || path.startsWith(`${above}/`);

/** For a list of domains with what is done with them. */
export const domainTable = (uses: ReadonlyMap<string, DomainUse | undefined>): DomainTable => {
  const byHost = new Map<string, string[]>();
  for (const domain of uses.keys()) {
    const pattern = hostOfDomain(domain);
    const known = byHost.get(pattern);
    if (known === undefined) byHost.set(pattern, [domain]);
    else known.push(domain);
  }
  return {
    useOf: (domain) => uses.get(domain),
    atHost: (pattern) => byHost.get(pattern) ?? [],
  };
};
