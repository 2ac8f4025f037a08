import {
  PATH_PARTS_MAX,
  REDIRECT_STATUSES,
  WILDCARD_LABELS_MAX,
  type DomainUse,
} from '@shiplog/events';
import { RouterError } from '../routes/router.port.js';
import { parseUseWord, partsOf, useWord } from '../routes/domain-use.js';

/**
 * The map finds the longest of its keys that a request begins with. A slash behind both lets no key end
 * within a part of a path, nor within a host.
 */
export const domainKey = (domain: string): string => `${domain}/`;

/** Backend; then `|strip|` and how many parts, or `|`, a status, `|` and a host. */
export const domainValue = (
  backend: string,
  domain: string,
  use: DomainUse | undefined,
): string => {
  const word = useWord(use);
  if (useWord(parseUseWord(word)) !== word) {
    throw new RouterError('router-refused', `${JSON.stringify(word)} is no use of a domain`);
  }
  if (word === '') return backend;
  if (word === 'strip') return `${backend}|strip|${partsOf(domain)}`;
  return `${backend}|${word.replace(':', '|')}`;
};

/** What the map says of domains: by domain, not by key. */
export const domainsIn = (
  map: ReadonlyMap<string, string>,
): { hosts: ReadonlyMap<string, string>; uses: ReadonlyMap<string, DomainUse> } => {
  const hosts = new Map<string, string>();
  const uses = new Map<string, DomainUse>();
  for (const [key, value] of map) {
    const domain = key.slice(0, -1);
    const [backend = '', word = '', rest = ''] = value.split('|');
    hosts.set(domain, backend);
    const use = parseUseWord(word === 'strip' || word === '' ? word : `${word}:${rest}`);
    if (use !== undefined) uses.set(domain, use);
  }
  return { hosts, uses };
};

/** Which backend a request is for, in `txn.backend`, and by which domain, but for those of wildcards. */
export const domainRules = (map: string): readonly string[] => [
  // The whole value: `hdr` would take what follows a comma for the host.
  'http-request set-var(txn.host) req.fhdr(host),field(1,:),lower,rtrim(.)',
  // Nobody reaches a wildcard or a path by writing it into the host.
  'http-request unset-var(txn.host) if { var(txn.host) -m sub / * }',
  'http-request set-var-fmt(txn.at) "%[var(txn.host)]%[path]/"',
  `http-request set-var(txn.domain) var(txn.at),map_beg(${map})`,
  'http-request set-var(txn.backend) var(txn.domain),field(1,|)',
];

/** The same, for what has no backend yet. */
export const wildcardRules = (map: string): readonly string[] => {
  const isOpen = '{ var(txn.below) -m found } !{ var(txn.domain) -m found }';
  return [
    '# Wildcards, the longest one first; none stands for its own base.',
    'http-request set-var(txn.below) var(txn.host),field(2,.,0) unless { var(txn.backend) -m found }',
    'http-request unset-var(txn.below) if { var(txn.below) -m found } !{ var(txn.host) -m reg ^[a-z0-9_-]+([.][a-z0-9_-]+)+$ }',
    ...Array.from({ length: WILDCARD_LABELS_MAX - 1 }, (_, i) => WILDCARD_LABELS_MAX - i).flatMap(
      (labels) => [
        `http-request set-var-fmt(txn.at) "*.%[var(txn.below),field(-1,.,${labels})]%[path]/" if ${isOpen}`,
        `http-request set-var(txn.domain) var(txn.at),map_beg(${map}) if ${isOpen}`,
      ],
    ),
    'http-request set-var(txn.backend) var(txn.domain),field(1,|) if { var(txn.below) -m found }',
  ];
};

/** Where clients are sent elsewhere; its app has no part in it. */
export const redirectRules = (): readonly string[] => [
  'http-request set-var(txn.use) var(txn.domain),field(2,|) if { var(txn.domain) -m sub | }',
  'http-request set-var(txn.use_of) var(txn.domain),field(3,|) if { var(txn.use) -m found }',
  'http-request set-var-fmt(txn.port) ":%[req.fhdr(host),field(2,:)]" if { var(txn.use) -m found } { req.fhdr(host),field(2,:) -m reg ^[0-9]{1,5}$ }',
  ...REDIRECT_STATUSES.map(
    (status) =>
      `http-request redirect location "%[ssl_fc,iif(https,http)]://%[var(txn.use_of)]%[var(txn.port)]%[pathq]" code ${status} if { var(txn.use) -m str ${status} }`,
  ),
];

/** Paths that apps do not see. */
export const stripRules = (): readonly string[] => [
  ...Array.from({ length: PATH_PARTS_MAX }, (_, i) => i + 1).flatMap((parts) => {
    const isSo = `if { var(txn.use) -m str strip } { var(txn.use_of) -m str ${parts} }`;
    return [
      `http-request set-header X-Forwarded-Prefix /%[path,field(2,/,${parts})] ${isSo}`,
      `http-request set-path /%[path,field(${parts + 2},/,0)] ${isSo}`,
    ];
  }),
];
