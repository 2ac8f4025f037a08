import { parseDomain } from '@shiplog/events';

/** A domain that an app holds. */
export interface HeldDomain {
  readonly host: string;
  readonly appId: string;
  readonly teamId: string;
}

/**
 * Domains of other teams that answer for the same hosts: a host belongs to one team, with all its paths, and so
 * does what a wildcard stands for.
 */
export const conflictsWith = (
  domain: string,
  teamId: string,
  held: Iterable<HeldDomain>,
): readonly HeldDomain[] =>
  [...held].filter((other) => other.teamId !== teamId && shareHosts(domain, other.host));

const shareHosts = (a: string, b: string): boolean => {
  const [one, two] = [parseDomain(a), parseDomain(b)];
  if (one === undefined || two === undefined) return false;
  if (one.base === two.base && one.isWildcard === two.isWildcard) return true;
  return (
    (one.isWildcard && two.base.endsWith(`.${one.base}`)) ||
    (two.isWildcard && one.base.endsWith(`.${two.base}`))
  );
};

/** Where a team proves that a domain is theirs: at its host, or at what its wildcard stands above. */
export const challengeName = (domain: string): string =>
  `_shiplog-challenge.${parseDomain(domain)?.base ?? domain}`;
