import { domainTable, PLAIN_USE, redirectLoop, useOf, type ActiveApp } from '@shiplog/domain';
import { parseDomain, type DomainUse } from '@shiplog/events';
import { Problem } from '../http/problem.js';
import { readDomain, readTarget } from './domain-name.js';
import type { AddedDomainBody } from './domains.routes.js';

/** A domain that an app is to have, and what is to be done with it. */
export interface WantedDomain {
  readonly host: string;
  readonly use: DomainUse;
}

/** The domain that is asked for, and its sister with or without `www.` where that is asked for, too. */
export const wantedDomains = (
  text: string,
  body: AddedDomainBody,
  platformDomain: string,
): readonly [WantedDomain, ...WantedDomain[]] => {
  const host = readDomain(text, platformDomain);
  const wanted = { host, use: wantedUse(host, body) };
  const { www = 'none' } = body;
  if (www === 'none') return [wanted];
  const parts = parseDomain(host);
  if (parts === undefined || parts.isWildcard || parts.path !== '' || wanted.use.kind !== 'serve') {
    throw wrong(
      'body.www',
      'only a whole host that the app answers at has a sister with or without "www.".',
    );
  }
  const sister = readDomain(sisterOf(host), platformDomain);
  const use: DomainUse =
    www === 'serve' ? PLAIN_USE : { kind: 'redirect', to: host, status: DEFAULT_STATUS };
  return [wanted, { host: sister, use }];
};

/** Keeps the method, and is remembered by browsers. */
const DEFAULT_STATUS = 308;

const sisterOf = (host: string): string =>
  host.startsWith('www.') ? host.slice('www.'.length) : `www.${host}`;

const wantedUse = (host: string, { strip, redirect }: AddedDomainBody): DomainUse => {
  if (redirect === undefined) {
    if (strip === true && !host.includes('/')) {
      throw wrong('body.strip', `${host} has no path that could be taken away.`);
    }
    return { kind: 'serve', strip: strip ?? false };
  }
  if (strip === true) {
    throw wrong('body.strip', 'a redirect keeps the path as it is; ask for one of the two.');
  }
  const { to, status } = redirect;
  return { kind: 'redirect', to: readTarget(to), status: status ?? DEFAULT_STATUS };
};

const wrong = (path: string, message: string): Problem =>
  new Problem('invalid-body', `${path}: ${message}`, { errors: [{ path, message }] });

/** A client that is led round in a circle never arrives, whoever's domains they are. */
export const refuseLoops = (apps: readonly ActiveApp[], wanted: readonly WantedDomain[]): void => {
  if (wanted.every(({ use }) => use.kind === 'serve')) return;
  const uses = new Map(
    apps.flatMap((app) => app.domains.map((host) => [host, useOf(app, host)] as const)),
  );
  for (const { host, use } of wanted) uses.set(host, use);
  const table = domainTable(uses);
  for (const { host } of wanted) {
    const way = redirectLoop(host, table);
    if (way === undefined) continue;
    throw new Problem(
      'redirect-loop',
      `Clients would be led round in a circle: ${way.join(' → ')}. Redirect to a host that is answered by an app, or that is elsewhere.`,
      { members: { way } },
    );
  }
};
