import { ACCESS_RING, accessLogLines, accessRing, requestIdLines } from './access-log.js';
import { FILES, LUA_FILES } from './file-names.js';
import { answerRules, requestRules } from './frontend.js';
import { PLATFORM_BACKEND, platformBackendLines, tlsBindLines, type HaproxyTls } from './tls.js';
import type { PlatformHost } from '../tls/platform-host.js';
import { failurePages, failureRules } from './pages.js';
import { backendRules, clientTables } from './policy-rules.js';
import { portProxyName, tcpDefaults } from './tcp.js';

/** How many places the rendered configuration offers. Growing is the only reason for a reload. */
export interface PoolSize {
  /** One per app. */
  readonly backends: number;
  /** Per backend, one per instance that speaks HTTP/1.1. */
  readonly servers: number;
  /** Per backend, one per instance that speaks HTTP/2. */
  readonly h2Servers: number;
  /** Ports that are served without HTTP, ascending; absent: none. Each one has `servers` places. */
  readonly ports?: readonly number[];
}

export interface HaproxyConfig {
  readonly platform: string;
  /** Address to listen on: IPv4, IPv6, `*` or a host name. */
  readonly bind: string;
  readonly port: number;
  /** Numeric, or null to stay who we are. */
  readonly runAs: { readonly uid: number; readonly gid: number } | null;
  /** Where the state file lies: HAProxy reads it after it has forgotten `default-path`. */
  readonly directory: string;
  /** Unix path, or `host:port`. */
  readonly adminSocket: string;
  readonly pool: PoolSize;
  /** Fingerprint of the pages and programs beside it: with others it is another configuration. */
  readonly beside: string;
  /** Absent: no HTTPS. */
  readonly tls?: HaproxyTls;
  /** Absent: the platform answers at the port of its api alone. */
  readonly platformHost?: PlatformHost;
  /** Clients at once. Absent: as HAProxy finds from what files it may open, and from its places. */
  readonly connectionsMax?: number;
  /** A request may take this long. Default 60. */
  readonly requestSeconds?: number;
}

/** How long a client may keep a connection open without a request. */
export const KEEP_ALIVE_SECONDS = 30;
/** How long a client may take for the head of a request. */
export const REQUEST_HEAD_SECONDS = 10;

/** Sections of what others have in common. */
const ALL = 'all';
const OF_APPS = 'apps';

/** What the backends of apps are called. */
export const BACKEND_PREFIX = 'slot';
export const backendName = (n: number): string =>
  `${BACKEND_PREFIX}${n.toString().padStart(4, '0')}`;
/** What a server speaks is part of the configuration: the name of its place says it. */
export const SERVER_PREFIX = { http: 's', h2c: 'h' } as const;
/**
 * The whole configuration: made of numbers, addresses of this machine and the platform's name. Nothing
 * that a user typed is in it; hosts and instances live in maps and server slots, changed at run time.
 */
export const renderHaproxy = (config: HaproxyConfig): string =>
  [
    globalSection(config),
    section(`ring ${ACCESS_RING}`, accessRing()),
    defaultsSection(requestSecondsOf(config)),
    appDefaults(),
    ...clientTables().map(([head, lines]) => section(`${head} from ${ALL}`, lines)),
    frontend(checked(config)),
  ]
    .concat(config.platformHost === undefined ? [] : [platformBackend(config.platformHost)])
    .concat(backends(config))
    .concat(tcpSections(config))
    .join('\n\n')
    .concat('\n');

const requestSecondsOf = ({ requestSeconds = 60 }: HaproxyConfig): number => int(requestSeconds);

const globalSection = (config: HaproxyConfig): string => {
  const { beside, platform, runAs, adminSocket, directory, connectionsMax } = config;
  return section('global', [
    '# Written by Shiplog; changes are overwritten.',
    `# beside it ${word(beside, /^[0-9a-f]+$/)}`,
    'default-path config',
    `node ${word(platform, /^[a-z0-9-]+$/)}`,
    ...(runAs === null ? [] : [`uid ${int(runAs.uid)}`, `gid ${int(runAs.gid)}`]),
    // Two platforms must not share a port without noticing it.
    'noreuseport',
    // It counts a file for the health check of every place, those that nobody has included, and would not start
    // with more places than files; a check that runs takes one for a moment.
    'no strict-limits',
    ...(connectionsMax === undefined ? [] : [`maxconn ${int(connectionsMax)}`]),
    ...spreadLines(config.pool),
    `stats socket ${socket(adminSocket)} level admin`,
    'stats timeout 5m',
    `server-state-file ${quoted(`${directory}/${FILES.serverState}`)}`,
    'hard-stop-after 1h',
    // Read when `default-path` is forgotten again.
    ...LUA_FILES.map((name) => `lua-load-per-thread ${quoted(`${directory}/${name}`)}`),
  ]);
};

const defaultsSection = (requestSeconds: number): string =>
  section(`defaults ${ALL}`, [
    'mode http',
    'timeout connect 250ms',
    `timeout client ${int(requestSeconds)}s`,
    `timeout server ${int(requestSeconds)}s`,
    `timeout http-request ${REQUEST_HEAD_SECONDS}s`,
    `timeout http-keep-alive ${KEEP_ALIVE_SECONDS}s`,
    'timeout queue 5s',
    'timeout tunnel 1h',
    'timeout client-fin 10s',
    'timeout server-fin 10s',
    // An instance that is busy with other requests answers late; only one that is gone fails at once.
    'timeout check 30s',
    'retries 3',
    'option redispatch 1',
    'retry-on conn-failure empty-response',
    'option idle-close-on-response',
    'http-reuse safe',
    // Not leastconn: an instance that fails at once has the least connections, and would get them all.
    'balance roundrobin',
    'load-server-state-from-file global',
    page(400, 'This request is malformed.'),
    page(408, 'The request did not arrive in time.'),
    ...failurePages(),
  ]);

/** The last gate, as for all that comes from outside. */
const checked = (config: HaproxyConfig): HaproxyConfig => {
  if (config.tls !== undefined) {
    int(config.tls.port);
    word(config.tls.list, /^\/[A-Za-z0-9._/-]+$/);
  }
  if (config.platformHost !== undefined) {
    int(config.platformHost.apiPort);
    word(config.platformHost.domain, /^[a-z0-9.-]+$/);
  }
  return config;
};

const frontend = (config: HaproxyConfig): string => {
  const { bind, port, tls } = config;
  return section(`frontend apps from ${ALL}`, [
    `bind ${address(bind)}:${int(port)}`,
    ...tlsBindLines(address(bind), tls),
    ...accessLogLines(),
    ...requestIdLines(),
    ...requestRules(config),
    ...answerRules(config),
    'use_backend %[var(txn.backend)]',
  ]);
};

/**
 * A place that nobody has. Only a server with a name gets its address back from the state file
 * (`last`); one with an address in the configuration would lead to that one after every reload and
 * restart. The name is never asked for, and the address stays while the server is disabled.
 */
const UNUSED = 'instance.invalid:1 init-addr last,127.0.0.1';
const placeIn = (pool: PoolSize): string =>
  `disabled check inter ${checkSeconds(pool.backends)}s fastinter 50ms downinter ${downMs(pool)}ms rise 1 fall 1 observe layer4 error-limit 1 on-error mark-down`;

/**
 * Whom nobody asks is checked this often, the seldomer the more there are: ten thousand checks a second would take the
 * machine from requests, and fail themselves, for all. Nothing waits for it: a request that is refused takes a server out at
 * once and goes to another one.
 */
const checkSeconds = (backends: number): number =>
  Math.min(60, Math.max(5, Math.ceil(backends / 64)));

/**
 * An instance that is down is looked for this often. When a node fails all of its instances are: of fifty thousand places
 * every 250 ms, two cores did nothing else, and the apps of other nodes waited for them.
 */
const downMs = (pool: PoolSize): number =>
  Math.min(5_000, Math.max(250, Math.ceil(placesIn(pool) / DOWN_CHECKS_PER_MS)));
const DOWN_CHECKS_PER_MS = 40;

const placesIn = ({ backends, servers, h2Servers }: PoolSize): number =>
  int(backends) * (int(servers) + int(h2Servers));

/**
 * A refused connection takes a server out at once; an HTTP answer brings it back. A connection alone
 * would not do: docker-proxy accepts while the process behind it is not listening yet. Any answer is
 * right. What an app answers to users never counts, and `observe layer7` would count its 500s.
 * Once for all backends: HAProxy reads its configuration in half the time, and rules that all share are in the caches.
 */
const appDefaults = (): string =>
  section(`defaults ${OF_APPS} from ${ALL}`, [
    'option httpchk OPTIONS / HTTP/1.1',
    'http-check send hdr Host localhost hdr User-Agent shiplog-router',
    'http-check expect rstatus ^[1-5]',
    ...backendRules(),
  ]);

/** They differ in their names alone. */
const backends = (config: HaproxyConfig): string[] => {
  const rest = backendBody(config);
  const nameOf = (i: number): string => `backend ${backendName(int(i + 1))} from ${OF_APPS}`;
  return Array.from({ length: config.pool.backends }, (_, i) => `${nameOf(i)}${rest}`);
};

const backendBody = (config: HaproxyConfig): string => {
  const { pool } = config;
  return section('', [
    ...failureRules(requestSecondsOf(config)),
    'use-server %[var(txn.server)] if { var(txn.server) -m found }',
    `server-template ${SERVER_PREFIX.http} 1-${int(pool.servers)} ${UNUSED} ${placeIn(pool)}`,
    ...(pool.h2Servers === 0
      ? []
      : [
          `server-template ${SERVER_PREFIX.h2c} 1-${int(pool.h2Servers)} ${UNUSED} ${placeIn(pool)} proto h2`,
        ]),
  ]);
};

/**
 * HAProxy spreads the first checks over the time between two, and reckons with 32 bits: of 60 s times 80,000 places half
 * would come at once.
 */
const spreadLines = (pool: PoolSize): string[] => {
  const longestMs = Math.floor((2 ** 31 - 1) / placesIn(pool));
  return longestMs < checkSeconds(pool.backends) * 1000 ? [`max-spread-checks ${longestMs}`] : [];
};

/** Last of all: what is before has defaults for HTTP. */
const tcpSections = ({ bind, pool }: HaproxyConfig): string[] => {
  const { ports = [], servers } = pool;
  if (ports.length === 0) return [];
  return [
    section('defaults', tcpDefaults()),
    ...ports.map((port) =>
      section(`listen ${portProxyName(int(port))}`, [
        `bind ${address(bind)}:${int(port)}`,
        `server-template ${SERVER_PREFIX.http} 1-${int(servers)} ${UNUSED} disabled`,
      ]),
    ),
  ];
};

const platformBackend = (host: PlatformHost): string =>
  section(`backend ${PLATFORM_BACKEND} from ${ALL}`, platformBackendLines(host));

const section = (head: string, lines: readonly string[]): string =>
  [head, ...lines.map((line) => `  ${line}`)].join('\n');

/** Of a request that could not be read: what its client would like to get is not known. */
const page = (status: number, text: string): string =>
  `http-error status ${status} content-type text/plain string "${text}\\n"`;

const socket = (path: string): string => {
  if (/^\/[A-Za-z0-9._/-]+$/.test(path)) return `${path} mode 600 expose-fd listeners`;
  return word(path, /^[A-Za-z0-9.-]+:\d{1,5}$/);
};

const address = (bind: string): string =>
  bind.includes(':')
    ? `[${word(bind, /^[0-9a-fA-F:.]+$/)}]`
    : word(bind, /^(?:\*|[A-Za-z0-9.-]+)$/);

/** The operator's own path, with whatever a file system allows in it. */
const quoted = (path: string): string =>
  `"${word(path, /^\/[^\p{Cc}]+$/u).replaceAll(/[\\"$]/g, '\\$&')}"`;

/** The last gate: whoever calls with something else has a bug, and gets no configuration. */
const word = (text: string, pattern: RegExp): string => {
  if (!pattern.test(text)) throw new Error(`not allowed in haproxy.cfg: ${JSON.stringify(text)}`);
  return text;
};

const int = (n: number): number => {
  if (!Number.isInteger(n) || n < 0) throw new Error(`not a number for haproxy.cfg: ${n}`);
  return n;
};
