import { FILES } from './file-names.js';
import { returnPage } from './pages.js';
import { AUTHENTICATE } from '../pages/pages.js';
import { SESSION_COOKIE } from '../routes/traffic-rules.js';

/** Clients that are counted at once, and how long one is remembered that does not come back. */
const CLIENTS_MAX = '100k';

/** What a part of the policy of this request is; not found where it has none. */
const part = (name: string): string =>
  `var(txn.policy),concat(/${name}),map_str(${FILES.policies})`;
const has = (name: string): string => `{ var(txn.${name}) -m found }`;
/** What is counted by client, in two windows: whoever goes on at the limit has the longer one against him. */
export const clientTables = (): readonly (readonly [head: string, lines: readonly string[]])[] => [
  [
    'backend per_second',
    [
      `stick-table type string len 160 size ${CLIENTS_MAX} expire 20s store gpc0_rate(1s),gpc1_rate(10s)`,
    ],
  ],
  [
    'backend per_minute',
    [
      `stick-table type string len 160 size ${CLIENTS_MAX} expire 20m store gpc0_rate(1m),gpc1_rate(10m)`,
    ],
  ],
  [
    'backend wrong_passwords',
    [`stick-table type string len 160 size ${CLIENTS_MAX} expire 2m store gpc0_rate(1m)`],
  ],
];

/**
 * What the frontend does with a request by the policy of its app, whose name is in `txn.policy`. All of it stands in maps.
 */
export const policyRequestRules = (): readonly string[] => [
  '# The policy of the app: what it is stands in the maps of policies',
  `http-request set-var(txn.address) src,hex if ${has('policy')}`,
  `http-request set-var(txn.digits) src,hex,length if ${has('policy')}`,
  `http-request set-var(txn.denied) var(txn.policy),concat(/deny,txn.digits,:),concat(,txn.address),map_beg(${FILES.networks}) if ${has('policy')}`,
  `http-request set-var(txn.allow) ${part('allow')} if ${has('policy')}`,
  `http-request set-var(txn.allowed) var(txn.policy),concat(/allow,txn.digits,:),concat(,txn.address),map_beg(${FILES.networks}) if ${has('allow')}`,
  returnPage('address-denied', `if ${has('denied')} or ${has('allow')} !${has('allowed')}`),
  ...rateRules(),
  ...passwordRules(),
  `http-request set-var(txn.body) ${part('body')} if ${has('policy')}`,
  returnPage('body-too-large', `if ${has('body')} { req.fhdr(content-length),sub(txn.body) gt 0 }`),
  // Nothing here can count a body while it goes by.
  returnPage('length-required', `if ${has('body')} { req.fhdr(transfer-encoding) -m found }`),
  `http-request set-var(txn.sticky) ${part('sticky')} if ${has('policy')}`,
  `http-request set-var(txn.cookie) req.cook(${SESSION_COOKIE}) if ${has('sticky')}`,
  `http-request set-var(txn.session) var(txn.backend),concat(/,txn.cookie) if ${has('cookie')}`,
  ...withoutCookieRules(),
];

/** It is between us and the client: no app sees it, and none could tell an instance by it. */
const withoutCookieRules = (): readonly string[] => [
  `http-request set-var(txn.unpinned) bool(true) if { req.cook(${SESSION_COOKIE}) -m found }`,
  `http-request replace-header Cookie '^(.*; *)?${SESSION_COOKIE}=[^;]*(?:; *)?(.*)$' '\\1\\2' if ${has('unpinned')}`,
  `http-request replace-header Cookie '^(.*[^; ])?[; ]*$' '\\1' if ${has('unpinned')}`,
  `http-request del-header Cookie if ${has('unpinned')} { req.fhdr(cookie) -m len 0 }`,
];

const rateRules = (): readonly string[] => [
  `http-request set-var(txn.rate) ${part('rate')} if ${has('policy')}`,
  `http-request set-var(txn.by) ${part('by')} if ${has('rate')}`,
  `http-request set-var(txn.client) var(txn.policy),concat(|,txn.names),map_regm(${FILES.clients}) if ${has('by')}`,
  // A client of IPv6 has at least a whole /64 to choose its address from.
  `http-request set-var(txn.client) src,ipmask(32,64) if ${has('rate')} !${has('client')}`,
  `http-request set-var(txn.counted) var(txn.backend),concat(/,txn.client) if ${has('rate')}`,
  `http-request set-var(txn.peak) ${part('peak')} if ${has('rate')}`,
  `http-request set-var(txn.sustained) ${part('sustained')} if ${has('rate')}`,
  `http-request set-var(txn.retry) ${part('retry')} if ${has('rate')}`,
  'http-request track-sc0 var(txn.counted) table per_second if { var(txn.rate) -m str second }',
  'http-request track-sc0 var(txn.counted) table per_minute if { var(txn.rate) -m str minute }',
  returnPage(
    'rate-limited',
    `if ${has('rate')} { sc_gpc0_rate(0),sub(txn.peak) ge 0 } or ${has('rate')} { sc_gpc1_rate(0),sub(txn.sustained) ge 0 }`,
  ),
  // What was refused does not count: who keeps to the limit again is served again.
  `http-request sc-inc-gpc0(0) if ${has('rate')}`,
  `http-request sc-inc-gpc1(0) if ${has('rate')}`,
];

/** Wrong passwords of one client and app within a minute; after that none of its new ones is looked at. */
const WRONG_MAX = 10;

/** What was right before is not checked again, nor counted; see `passwords.lua`. */
const passwordRules = (): readonly string[] => {
  const isOpen = `${has('auth')} !${has('proven')}`;
  const isClaimed = `${isOpen} ${has('login')}`;
  return [
    `http-request set-var(txn.auth) ${part('auth')} if ${has('policy')}`,
    `http-request set-var(txn.login) http_auth_user if ${has('auth')}`,
    `http-request set-var(txn.name) var(txn.login),ub64enc if ${has('login')}`,
    `http-request set-var(txn.hash) var(txn.policy),concat(/user/,txn.name),map_str(${FILES.policies}) if ${has('login')}`,
    `http-request lua.recall_password if ${has('login')}`,
    `http-request set-var(txn.guesser) src,ipmask(32,64) if ${isClaimed}`,
    `http-request set-var(txn.guesses) var(txn.backend),concat(/,txn.guesser) if ${isClaimed}`,
    `http-request track-sc1 var(txn.guesses) table wrong_passwords if ${isClaimed}`,
    `http-request set-var(txn.retry) int(60) if ${isClaimed} { sc_gpc0_rate(1) ge ${WRONG_MAX} }`,
    returnPage('rate-limited', `if ${isClaimed} { sc_gpc0_rate(1) ge ${WRONG_MAX} }`),
    `http-request lua.check_password if ${isClaimed}`,
    `http-request set-var(txn.retry) int(1) if ${has('unchecked')}`,
    returnPage('rate-limited', `if ${has('unchecked')}`),
    `http-request sc-inc-gpc0(1) if ${isClaimed}`,
    returnPage('password-required', `if ${isOpen}`),
  ];
};

/** After it is known who gets a request of a canary: that goes first. */
export const policyServerRules = (): readonly string[] => [
  `http-request set-var(txn.server) var(txn.session),map_str(${FILES.sessions}) if ${has('session')} !${has('server')}`,
  `http-request set-header X-Forwarded-User %[var(txn.login)] if ${has('auth')}`,
  'http-request del-header Authorization if { var(txn.auth) -m str strip }',
  `http-request set-var(txn.changes) ${part('request')},ub64dec if ${has('policy')}`,
  `http-request lua.change_headers request if ${has('changes')}`,
];

export const policyAnswerRules = (): readonly string[] => {
  const session = `%[var(txn.backend),concat(/,txn.served),map_str(${FILES.owners}),sha2(256),hex,lower,bytes(0,32)]`;
  const cookie = `http-response add-header Set-Cookie "${SESSION_COOKIE}=${session}; Path=/; HttpOnly; SameSite=Lax`;
  const isNew = `${has('sticky')} !{ var(txn.served),strcmp(txn.server) eq 0 }`;
  return [
    // All that follows is for apps with a policy.
    `http-response allow unless ${has('policy')}`,
    `http-response set-var(txn.served) srv_name if ${has('sticky')}`,
    `${cookie}" if ${isNew} !{ ssl_fc }`,
    `${cookie}; Secure" if ${isNew} { ssl_fc }`,
    `http-response set-var(txn.changed) ${part('answer')},ub64dec if ${has('policy')}`,
    `http-response lua.change_headers response if ${has('changed')}`,
  ];
};

/** Of answers by the router itself. */
export const policyPageRules = (): readonly string[] => [
  `http-after-response set-header WWW-Authenticate "${AUTHENTICATE.replaceAll('"', '\\"')}" if { res.hdr(x-shiplog-router) -m str password-required }`,
  // When the next request is due depends on the rate.
  `http-after-response set-header Retry-After %[var(txn.retry)] if ${has('retry')} { res.hdr(x-shiplog-router) -m str rate-limited }`,
];

/** How long it may be silent. */
const silenceRules = (): readonly string[] => [
  `http-request set-var(txn.response) ${part('response')} if ${has('policy')}`,
  `http-request set-timeout server var(txn.response),add(0) if ${has('response')}`,
  `http-request set-var(txn.tunnel) ${part('tunnel')} if ${has('policy')}`,
  `http-request set-timeout tunnel var(txn.tunnel),add(0) if ${has('tunnel')}`,
];

/** An event stream, or a stream of gRPC, is silent for as long as nothing happens. */
const STREAMS = [
  '{ req.hdr(accept) -m sub text/event-stream }',
  '{ req.hdr(content-type) -m beg application/grpc }',
];
const streamRules = (): readonly string[] =>
  STREAMS.flatMap((stream) => [
    `http-request set-timeout server 1h if ${stream}`,
    `http-request set-timeout server var(txn.tunnel),add(0) if ${has('tunnel')} ${stream}`,
  ]);

/** What all backends of apps have in common. Most requests need none of it. */
export const backendRules = (): readonly string[] => [
  `http-request allow if !${has('policy')} ${STREAMS.map((stream) => `!${stream}`).join(' ')}`,
  `http-request set-var(txn.queue) ${part('queue')} if ${has('policy')}`,
  ...silenceRules(),
  ...streamRules(),
  returnPage('busy', `if ${has('queue')} { lua.is_full -m bool }`),
];
