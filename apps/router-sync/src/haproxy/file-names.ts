/** Files beside the configuration; HAProxy names its maps by these words, too. */
export const FILES = {
  config: 'haproxy.cfg',
  domains: 'domains.map',
  owners: 'owners.map',
  /** Regular expressions that requests of a canary match. */
  matches: 'matches.map',
  /** Apps that have such requests, and who gets them. */
  picks: 'picks.map',
  /** Apps whose clients are told something: that it starts, or is being maintained. */
  notices: 'notices.map',
  /** Clients that reach an app in maintenance. */
  allowed: 'allowed.map',
  /** What the router says itself (see `pages/pages.ts`). */
  pages: 'pages.map',
  /** Which form of a page a client wants. */
  forms: 'forms.map',
  /** Hosts whose plain HTTP is sent on to https, and what browsers are told of it. */
  redirects: 'redirects.map',
  hsts: 'hsts.map',
  /** What is done with the requests of apps; see `policies.ts`. */
  policies: 'policies.map',
  /** What addresses of lists begin with. */
  networks: 'networks.map',
  /** Expressions that find who a client is in the head of a request. */
  clients: 'clients.map',
  /** What is in the cookies of clients that come back, and whose that is. */
  sessions: 'sessions.map',
  headers: 'headers.lua',
  passwords: 'passwords.lua',
  failures: 'failures.lua',
  queue: 'queue.lua',
  serverState: 'servers.state',
  pool: 'pool.json',
  log: 'haproxy.log',
} as const;

/** Programs in Lua that lie beside the configuration. */
export const LUA_FILES = [FILES.headers, FILES.passwords, FILES.failures, FILES.queue] as const;
