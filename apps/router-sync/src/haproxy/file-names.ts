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
  serverState: 'servers.state',
  pool: 'pool.json',
  log: 'haproxy.log',
} as const;
