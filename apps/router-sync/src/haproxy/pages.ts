import {
  FORM_DEFAULT,
  FORMS,
  MEDIA_TYPES,
  PAGES,
  type Page,
  type PageName,
} from '../pages/pages.js';
import { FILES } from './file-names.js';

/** Which form of a page a client wants, for all lines that follow; unset: the default. Before anything is answered. */
export const formLines = (): readonly string[] => [
  `http-request set-var(txn.form) req.fhdr(accept),map_sub(${FILES.forms})`,
];

/** The first of these that is part of what a client accepts says which form it gets. */
export const formsText = (): string => 'text/html html\njson json\n';

/**
 * Answers with a page where a condition holds (`if { … }`, `unless { … }`). The one way in which a rule of
 * the frontend refuses a request: the form, the headers and the name are those of every other page.
 */
export const returnPage = (
  name: PageName,
  condition: string,
  body = bodyOf(`str(${name}/)`),
): string =>
  `http-request return status ${PAGES[name].status} content-type text/plain lf-string "%[${body}]\\n" ${headersOf(name, name)} ${condition}`;

/** Pages of HAProxy's own failures; what it says when no server takes a request depends on why. */
export const failurePages = (): readonly string[] => [
  failurePage('instance-failed'),
  // Not by a rule on nbsrv: in a worker on its way out that is 0, and requests there would fail.
  `http-error status 503 content-type text/plain lf-string "%[${bodyOf(`${WHY_NONE},concat(/)`)}]\\n" ${headersOf('no-instance', `%[${WHY_NONE}]`)}`,
  failurePage('instance-silent'),
];

/**
 * An instance that hangs up on a request which must not be sent again is told of, whoever asks. HAProxy says it by itself
 * to the first request of a connection of HTTP/1.1 alone; to all others it has a client believe that nothing was carried
 * out (see `failures.lua`), and clients send it again. In each backend, since HAProxy takes them from no defaults: few
 * lines, since ten thousand backends have them. `seconds`: for so long an instance may be silent.
 */
export const failureRules = (seconds: number): readonly string[] => {
  const { status, retryAfterSeconds } = PAGES['instance-failed'];
  return [
    // Until there is an answer. None at all is what the server's timeout is for.
    'tcp-response inspect-delay 24d',
    `tcp-response content lua.say_failed ${status} instance-failed ${retryAfterSeconds} ${seconds} if { var(txn.once) -m found } !{ status -m found }`,
  ];
};

/** What `failures.lua` says to a request that must not be sent again: looked up before, for those alone. */
export const failurePageOf = (condition: string): string =>
  `http-request set-var(txn.page) ${bodyOf('str(instance-failed/)')} ${condition}`;

/** A page says in which form it is; an app cannot pass for the router. */
export const CLAIMED_PAGE = 'http-response del-header X-Shiplog-Router';
export const IS_PAGE = '{ res.hdr(x-shiplog-router) -m found }';
export const pageHeaderLines = (): readonly string[] =>
  FORMS.map((form) => {
    const isSo =
      form === FORM_DEFAULT ? '!{ var(txn.form) -m found }' : `{ var(txn.form) -m str ${form} }`;
    return `http-after-response set-header Content-Type "${MEDIA_TYPES[form]}" if ${isSo}`;
  });

/** What the app's notice is called, where it has one. */
const WHY_NONE = `var(txn.backend),map_str(${FILES.notices},no-instance),field(1,:)`;

const failurePage = (name: PageName): string =>
  `http-error status ${PAGES[name].status} content-type text/plain lf-string "%[${bodyOf(`str(${name}/)`)}]\\n" ${headersOf(name, name)}`;

/** `prefix` ends in `/`. */
const bodyOf = (prefix: string): string => `${prefix},concat(,txn.form),map_str(${FILES.pages})`;

const headersOf = (page: PageName, name: string): string => {
  const { retryAfterSeconds }: Page = PAGES[page];
  return [
    ...(retryAfterSeconds === undefined ? [] : [`hdr Retry-After ${retryAfterSeconds}`]),
    'hdr Cache-Control no-store',
    `hdr X-Shiplog-Router ${name}`,
  ].join(' ');
};
