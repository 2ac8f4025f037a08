import { domainRules, redirectRules, stripRules, wildcardRules } from './domains.js';
import { FILES } from './file-names.js';
import { maintenanceLines } from './notices.js';
import {
  CLAIMED_PAGE,
  failurePageOf,
  formLines,
  IS_PAGE,
  pageHeaderLines,
  returnPage,
} from './pages.js';
import {
  policyAnswerRules,
  policyPageRules,
  policyRequestRules,
  policyServerRules,
} from './policy-rules.js';
import {
  IS_REDIRECTED,
  forwardedProto,
  hstsLines,
  platformLines,
  redirectLines,
  securedLines,
  type HaproxyTls,
} from './tls.js';
import { PICKS } from '../routes/match-rule.js';
import { SESSION_COOKIE } from '../routes/traffic-rules.js';
import type { PlatformHost } from '../tls/platform-host.js';

export interface FrontendConfig {
  readonly port: number;
  readonly tls?: HaproxyTls;
  readonly platformHost?: PlatformHost;
}

/**
 * What is done with a request. Every rule costs every request that gets to it, its condition met or not: first
 * comes what each request needs, then one rule lets those go that need nothing else, which are nearly all.
 */
export const requestRules = (config: FrontendConfig): readonly string[] => [
  ...domainRules(FILES.domains),
  ...platformLines(config.platformHost),
  // Before anything is answered in its place: that is the app's, in its log and its figures.
  `http-request set-var(txn.app) var(txn.backend),map_str(${FILES.owners})`,
  `http-request set-var(txn.policy) var(txn.backend),map_str(${FILES.policies})`,
  ...formLines(),
  ...securedLines(config.tls),
  ...claimRules(config),
  '# What may have been carried out is not sent again, unless the client says that it may.',
  'http-request set-var(txn.once) date(0,ms) unless { method GET HEAD OPTIONS } or { req.hdr(idempotency-key) -m found }',
  'http-request disable-l7-retry if { var(txn.once) -m found }',
  failurePageOf('if { var(txn.once) -m found }'),
  ...plainRules(config),
  ...wildcardRules(FILES.domains),
  returnPage('unknown-host', 'unless { var(txn.backend) -m found }'),
  `http-request set-var(txn.app) var(txn.backend),map_str(${FILES.owners}) if { var(txn.below) -m found }`,
  `http-request set-var(txn.policy) var(txn.backend),map_str(${FILES.policies}) if { var(txn.below) -m found }`,
  askedHost('{ var(txn.below) -m found }'),
  ...redirectLines(config.tls),
  ...redirectRules(),
  ...maintenanceLines(),
  ...policyRequestRules(),
  '# An app that changed to HTTP/2 here would get its next requests past these rules.',
  `http-request del-header Upgrade if ${IS_H2C}`,
  ...stripRules(),
  '# Requests that a canary gets whatever its part: by expressions in a map, and only for apps that have one.',
  `http-request set-var(txn.head) req.hdrs if { ${MATCHING} -m found }`,
  `http-request set-var(txn.rule) var(txn.backend),concat(|,txn.head),map_reg(${FILES.matches}) if { var(txn.head) -m found }`,
  `http-request set-var(txn.pick) rand(${PICKS}) if { var(txn.rule) -m found }`,
  `http-request set-var(txn.server) var(txn.backend),concat(/,txn.pick),map_str(${FILES.picks}) if { var(txn.rule) -m found }`,
  ...policyServerRules(),
];

/** What is done with an answer, of an app or of the router. */
export const answerRules = ({ tls }: FrontendConfig): readonly string[] => [
  CLAIMED_PAGE,
  ...policyAnswerRules(),
  // By a policy neither.
  CLAIMED_PAGE,
  ...hstsLines(tls),
  `http-after-response allow unless ${IS_PAGE}`,
  ...policyPageRules(),
  ...pageHeaderLines(),
];

/** Whose app has a canary that gets requests by what is in them. */
const MATCHING = `var(txn.backend),map_str(${FILES.picks})`;
const IS_H2C = '{ req.fhdr(upgrade) -m sub -i h2c }';

/** Of a host that nobody has it may be too long to be said twice. */
const askedHost = (condition: string): string =>
  `http-request add-header X-Forwarded-Host %[req.fhdr(host)] if ${condition}`;

const claimRules = ({ port, tls }: FrontendConfig): readonly string[] => [
  '# What a client claims about itself is replaced by what we see.',
  // By such a header an app may count its clients: behind a proxy of the operator it is the truth.
  `http-request set-var(txn.names) req.hdrs if { var(txn.policy),concat(/by),map_str(${FILES.policies}) -m found } or !{ var(txn.backend) -m found }`,
  // Many frameworks take `_` for `-`: they would find the claim under the name of the truth.
  'http-request del-header ^(x[-_](forwarded|real[-_]ip|request[-_]id)|forwarded$) -m reg',
  // None of them is there any more: `set-header` would look for it.
  'http-request add-header X-Forwarded-For %ci',
  `http-request add-header X-Forwarded-Proto ${forwardedProto(tls)}`,
  askedHost('{ var(txn.backend) -m found }'),
  `http-request add-header X-Forwarded-Port ${tls === undefined ? port : `%[ssl_fc,iif(${tls.port},${port})]`}`,
  'http-request add-header X-Real-IP %ci',
];

/**
 * Ends the rules for a request of an app that has none of what follows. Each thing that follows is named here; a
 * test asks for each of them that the request does get there.
 */
const plainRules = ({ tls }: FrontendConfig): readonly string[] => {
  const isPlain = [
    '{ var(txn.app) -m found }',
    '!{ var(txn.domain) -m sub | }',
    '!{ var(txn.policy) -m found }',
    `!{ var(txn.backend),map_str(${FILES.notices}) -m found }`,
    `!{ ${MATCHING} -m found }`,
    `!{ req.cook(${SESSION_COOKIE}) -m found }`,
    `!${IS_H2C}`,
  ].join(' ');
  const isHere = tls === undefined ? [''] : ['{ ssl_fc } ', `!{ ssl_fc } !${IS_REDIRECTED} `];
  return [
    '# All that a plain request needs was done.',
    ...isHere.map((stays) => `http-request allow if ${stays}${isPlain}`),
  ];
};
