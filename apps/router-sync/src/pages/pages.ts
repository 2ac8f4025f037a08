/** What a router says itself: where there is no app to ask, or none that answers. */
export interface Page {
  readonly status: number;
  /** One sentence: what is the matter. */
  readonly title: string;
  /** What a visitor does next. */
  readonly advice: string;
  /** What whoever runs the app does next. Names no app: a visitor reads it, too. */
  readonly operator: string;
  readonly retryAfterSeconds?: number;
}

/** Also the values of the header `X-Shiplog-Router`, by which a client tells a page from an answer of an app. */
export const PAGES = {
  'unknown-host': {
    status: 404,
    title: 'No app answers at this host.',
    advice: 'Check the address for a typing error.',
    operator: 'Is it yours? "shiplog domains list" shows where your app answers.',
  },
  'no-instance': {
    status: 503,
    title: 'This app has no running instance right now.',
    advice: 'Try again in a few moments.',
    operator:
      'Is it yours? "shiplog ps" shows its instances, "shiplog logs --type start" why one did not start.',
    retryAfterSeconds: 5,
  },
  starting: {
    status: 503,
    title: 'This app is starting.',
    advice: 'It will be here in a moment; this page tries again by itself.',
    operator: 'Is it yours? "shiplog deploys show" tells how far it is.',
    // As of `no-instance`: HAProxy has one for all of its own 503.
    retryAfterSeconds: 5,
  },
  'address-denied': {
    status: 403,
    title: 'This app takes no requests from here.',
    advice: 'Use it from another network.',
    operator: 'Is it yours? "shiplog traffic-policy show" lists who is allowed and denied.',
  },
  'password-required': {
    status: 401,
    title: 'This app asks for a name and a password.',
    advice: 'Send them, or ask whoever runs it for yours.',
    operator: 'Is it yours? "shiplog basic-auth show" lists who may.',
  },
  'length-required': {
    status: 411,
    title: 'This app takes requests that say how long they are.',
    advice: 'Send it again with a Content-Length.',
    operator: 'Is it yours? "shiplog traffic-policy show" has the limit of a body.',
  },
  'body-too-large': {
    status: 413,
    title: 'This request is too large for the app.',
    advice: 'Send less at once.',
    operator: 'Is it yours? "shiplog traffic-policy show" has the limit of a body.',
  },
  busy: {
    status: 503,
    title: 'This app is busy.',
    advice: 'Try again in a moment.',
    operator: 'Is it yours? "shiplog traffic-policy show" has its limit of requests at once.',
    retryAfterSeconds: 1,
  },
  'rate-limited': {
    status: 429,
    title: 'Too many requests came from here.',
    advice: 'Wait a moment, then try again.',
    operator: 'Is it yours? "shiplog traffic-policy show" has its limits.',
    retryAfterSeconds: 1,
  },
  maintenance: {
    status: 503,
    title: 'This app is being maintained.',
    advice: 'It will be back soon; try again later.',
    operator: 'Is it yours? "shiplog maintenance status" says since when, and why.',
    retryAfterSeconds: 60,
  },
  'instance-failed': {
    status: 502,
    title: 'The app closed the connection before it answered.',
    advice: 'Try again; what you sent may have been carried out.',
    operator: 'Is it yours? "shiplog logs" shows what it wrote at that time.',
    retryAfterSeconds: 1,
  },
  'instance-silent': {
    status: 504,
    title: 'The app did not answer in time.',
    advice: 'Try again later; what you sent may have been carried out.',
    operator: 'Is it yours? "shiplog logs" shows what it does.',
  },
} as const satisfies Readonly<Record<string, Page>>;

/** `WWW-Authenticate` of the page that asks for a password; nothing of an app is in it. */
export const AUTHENTICATE = 'Basic realm="app", charset="UTF-8"';

export type PageName = keyof typeof PAGES;

/** As the `Accept` of a request has it: `text/html`, else anything with `json`, else plain text. */
export const FORMS = ['html', 'json', 'text'] as const;
export type Form = (typeof FORMS)[number];
/** Of clients that say nothing of a form. */
export const FORM_DEFAULT: Form = 'text';

export const MEDIA_TYPES: Readonly<Record<Form, string>> = {
  html: 'text/html; charset=utf-8',
  json: 'application/problem+json',
  text: 'text/plain; charset=utf-8',
};

/** How often a browser asks again for an app that is starting. */
const REFRESH_SECONDS = 2;

/** Without a line break: proxies keep one page a line. They put a line feed after it. */
export const renderPage = (name: PageName, form: Form): string => {
  const page: Page = PAGES[name];
  if (form === 'text') return [page.title, page.advice, page.operator].join(' ');
  if (form === 'html') return htmlOf(page, name === 'starting');
  const { title, status, advice, operator } = page;
  return JSON.stringify({ code: name, status, title, detail: `${advice} ${operator}` });
};

/** All pages, `<name>/<form> <page>` a line: what both proxies look them up in. Without a form it is the default. */
export const pagesText = (): string =>
  (Object.keys(PAGES) as PageName[])
    .flatMap((name) => [
      ...FORMS.map((form) => `${name}/${form} ${renderPage(name, form)}\n`),
      `${name}/ ${renderPage(name, FORM_DEFAULT)}\n`,
    ])
    .join('');

const STYLE = [
  ':root{color-scheme:light dark}',
  '*{box-sizing:border-box}',
  'body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:#f4f5f7;color:#1c2430;font:1rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}',
  'main{width:100%;max-width:34rem;padding:2.5rem;background:#fff;border-radius:1rem;box-shadow:0 1px 2px #0f172a14,0 12px 32px #0f172a14}',
  '.status{margin:0 0 .75rem;font-size:.85rem;font-weight:600;letter-spacing:.08em;color:#5b6778}',
  'h1{margin:0 0 .75rem;font-size:1.6rem;line-height:1.25;letter-spacing:-.01em}',
  'p{margin:0}',
  '.operator{margin-top:2rem;padding-top:1.25rem;border-top:1px solid #e3e7ed;font-size:.9rem;color:#5b6778}',
  'code{padding:.1em .35em;border-radius:.3em;background:#eef1f5;font:.92em ui-monospace,SFMono-Regular,Menlo,monospace;color:#1c2430;white-space:nowrap}',
  '@media(prefers-color-scheme:dark){body{background:#0e131b;color:#e6eaf0}main{background:#171e29;box-shadow:none;border:1px solid #263041}.status,.operator{color:#93a0b4}.operator{border-color:#263041}code{background:#222c3a;color:#e6eaf0}}',
].join('');

const htmlOf = ({ status, title, advice, operator }: Page, isRefreshed: boolean): string =>
  [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="robots" content="noindex">',
    isRefreshed ? `<meta http-equiv="refresh" content="${REFRESH_SECONDS}">` : '',
    `<title>${title}</title><style>${STYLE}</style></head><body><main>`,
    `<p class="status">${status}</p><h1>${title}</h1><p>${advice}</p>`,
    `<p class="operator">${operator.replaceAll(/"([^"]+)"/g, '<code>$1</code>')}</p>`,
    '</main></body></html>',
  ].join('');
