import {
  APP_NAME_PATTERN,
  isDomainPath,
  parseDomain,
  PATH_PARTS_MAX,
  WILDCARD_LABELS_MAX,
} from '@shiplog/events';
import { printable } from '../http/door.js';
import { Problem } from '../http/problem.js';
import { hostOf } from './international.js';

/** A domain as it may be added to an app, in its one spelling: strict grammar, none of the platform's own. */
export const readDomain = (text: string, platformDomain: string): string => {
  const { host, fault } = parse(text);
  if (fault !== undefined) throw invalid('path.host', text, fault);
  refuseOfPlatform(host, platformDomain);
  return host;
};

/** The host that clients are sent to. */
export const readTarget = (text: string): string => {
  const read = hostOf(text);
  if ('fault' in read) throw invalid('body.redirect.to', text, read.fault);
  return read.host;
};

/** The one spelling of what may be a domain; what is none stays as it is. */
export const domainSpelt = (text: string): string => {
  const { host, fault } = parse(text);
  return fault === undefined ? host : text.toLowerCase();
};

const invalid = (path: string, text: string, fault: string): Problem => {
  const message = `"${printable(text)}" ${fault}`;
  return new Problem('invalid-input', `${path}: ${message}`, { errors: [{ path, message }] });
};

type Parsed = { host: string; fault?: undefined } | { host?: undefined; fault: string };

const parse = (text: string): Parsed => {
  const slash = text.indexOf('/');
  const pattern = slash === -1 ? text : text.slice(0, slash);
  const path = slash === -1 ? '' : text.slice(slash);
  const isWildcard = pattern.startsWith('*.');
  const base = isWildcard ? pattern.slice(2) : pattern;
  if (base.includes('*')) {
    return {
      fault:
        'has a wildcard where none may be; it stands for whole labels at the front, as in *.example.com.',
    };
  }
  const read = hostOf(base);
  if ('fault' in read) return { fault: read.fault };
  if (path !== '' && !isDomainPath(path)) return { fault: PATH_FAULT };
  const domain = `${isWildcard ? '*.' : ''}${read.host}${path}`;
  if (parseDomain(domain) !== undefined) return { host: domain };
  return { fault: `has a wildcard above more than ${WILDCARD_LABELS_MAX} labels.` };
};

const PATH_FAULT = `has a path that none can be: expected one such as /api/v2, with at most ${PATH_PARTS_MAX} parts of letters, digits, "-", ".", "_" and "~", none of which begins with a dot, and no "/" at its end.`;

const refuseOfPlatform = (domain: string, platformDomain: string): void => {
  const parts = parseDomain(domain);
  if (parts === undefined) return;
  const { base, isWildcard } = parts;
  const suffix = `.${platformDomain}`;
  if (isWildcard && (base === platformDomain || platformDomain.endsWith(`.${base}`))) {
    throw new Problem(
      'domain-of-platform',
      `*.${base} would answer for *.${platformDomain}, where apps have their default hosts. Take a wildcard below a host of your own.`,
    );
  }
  if (base === platformDomain) {
    throw new Problem('domain-of-platform', `${base} is the platform itself. Take another host.`);
  }
  const name = base.endsWith(suffix) ? base.slice(0, -suffix.length) : '';
  if (!isWildcard && APP_NAME_PATTERN.test(name)) {
    throw new Problem(
      'domain-of-platform',
      `${base} is the default host of the app of that name, whether there is one yet or not. Create an app called "${name}", or take a host outside of *${suffix}.`,
    );
  }
};
