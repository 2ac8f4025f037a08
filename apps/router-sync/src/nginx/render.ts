import { ACME_PATH, type PlatformHost } from '../tls/platform-host.js';

export interface NginxTls {
  readonly port: number;
  /** Path of the list of certificates that it begins with. */
  readonly list: string;
}

export interface NginxConfig {
  readonly platform: string;
  /** Address to listen on: IPv4, IPv6, `*` or a host name. */
  readonly bind: string;
  readonly port: number;
  /** Who the workers are, by name; null to stay who we are. */
  readonly runAs: { readonly user: string; readonly group: string } | null;
  /** Where the files beside the configuration lie. */
  readonly directory: string;
  readonly adminSocket: string;
  /** Folders of what the Lua module consists of. */
  readonly modules: string;
  readonly luaLibraries: string;
  /** Absent: no HTTPS. */
  readonly tls?: NginxTls;
  /** Absent: the platform answers at the port of its api alone. */
  readonly platformHost?: PlatformHost;
  /** Names this configuration: a worker that answers with it runs it. */
  readonly fingerprint: string;
}

/** Files beside the configuration. */
export const NGINX_FILES = {
  config: 'nginx.conf',
  pages: 'nginx-pages.map',
  routes: 'nginx.routes',
  /** Hosts whose plain HTTP is sent on to https, and what browsers are told of it. */
  https: 'nginx.https',
  pid: 'nginx.pid',
  log: 'nginx.log',
} as const;

/** Connections of one worker; each request takes two. */
const CONNECTIONS = 8_192;
/** How long a client may keep a connection open without a request, and take for the head of one. */
const KEEP_ALIVE_SECONDS = 30;
export const NGINX_HEAD_SECONDS = 10;

/**
 * The whole configuration: made of numbers, paths of this machine and the platform's name. Nothing that a
 * user typed is in it; hosts and instances live in the memory of `shiplog_table.lua`, changed at run time.
 */
export const renderNginx = (config: NginxConfig): string => {
  const file = (name: keyof typeof NGINX_FILES): string =>
    path(`${config.directory}/${NGINX_FILES[name]}`);
  return [
    '# Written by Shiplog; changes are overwritten.',
    `load_module ${path(`${config.modules}/ndk_http_module.so`)};`,
    `load_module ${path(`${config.modules}/ngx_http_lua_module.so`)};`,
    'daemon off;',
    ...(config.runAs === null
      ? []
      : [`user ${word(config.runAs.user, NAME)} ${word(config.runAs.group, NAME)};`]),
    `pid ${file('pid')};`,
    // What goes wrong with a request is told to its client; what stops nginx is always logged.
    `error_log ${file('log')} crit;`,
    'worker_processes auto;',
    `worker_rlimit_nofile ${2 * CONNECTIONS};`,
    'worker_shutdown_timeout 1h;',
    ...block('events', [`worker_connections ${CONNECTIONS};`]),
    ...block('http', [
      ...lua(config, file),
      ...limits(config.directory),
      ...upstreams(),
      ...apps(config),
      ...(config.platformHost === undefined ? [] : platform(config, config.platformHost)),
      ...administration(config.adminSocket),
    ]),
    '',
  ].join('\n');
};

/** The memory is named and sized as before, or a reload would begin with an empty one. */
const lua = (config: NginxConfig, file: (name: keyof typeof NGINX_FILES) => string): string[] => [
  `lua_package_path ${path(`${config.directory}/?.lua;${config.luaLibraries}/?.lua;;`)};`,
  'lua_shared_dict shiplog_routes 64m;',
  'lua_shared_dict shiplog_active 16m;',
  'lua_shared_dict shiplog_counts 32m;',
  'lua_shared_dict shiplog_down 1m;',
  'lua_shared_dict shiplog_cuts 256k;',
  'lua_shared_dict shiplog_workers 64k;',
  'lua_shared_dict shiplog_access 16m;',
  'lua_shared_dict shiplog_rates 16m;',
  'lua_shared_dict shiplog_waiting 1m;',
  'lua_shared_dict shiplog_tls 64m;',
  // An instance that refuses a connection is no error of the proxy.
  'lua_socket_log_errors off;',
  ...block('init_by_lua_block', [
    // All of the code, so that what is wrong with it is found before it serves.
    'require "shiplog"',
    `require("shiplog_admin").platform = "${word(config.platform, /^[a-z0-9-]+$/)}"`,
    'local workers = require "shiplog_workers"',
    `workers.configuration = "${word(config.fingerprint, /^[0-9a-f]+$/)}"`,
    `workers.connections = ${CONNECTIONS}`,
    `require("shiplog_table").load(${file('routes')})`,
    `require("shiplog_pages").load(${file('pages')})`,
    ...httpsLoad(config.tls, file('https')),
  ]),
  'init_worker_by_lua_block { require("shiplog_workers").start() }',
  ...(config.platformHost === undefined
    ? []
    : block('map $http_upgrade $shiplog_api_connection', ['default upgrade;', '"" close;'])),
];

const httpsLoad = (tls: NginxTls | undefined, policies: string): string[] =>
  tls === undefined
    ? []
    : [
        'local tls = require "shiplog_tls"',
        `tls.suffix = "${tls.port === 443 ? '' : `:${int(tls.port)}`}"`,
        `tls.load(${path(tls.list)}, ${policies})`,
      ];

const limits = (directory: string): string[] => [
  'default_type text/plain;',
  'server_tokens off;',
  'access_log off;',
  `client_header_timeout ${NGINX_HEAD_SECONDS}s;`,
  'client_body_timeout 60s;',
  'send_timeout 60s;',
  `keepalive_timeout ${KEEP_ALIVE_SECONDS}s;`,
  'keepalive_requests 1000000;',
  'large_client_header_buffers 4 16k;',
  // Bodies go through as they come, of any size.
  'client_max_body_size 0;',
  ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (what) => `${what}_temp_path ${path(`${directory}/nginx-temp`)};`,
  ),
];

/** Nothing is sent on a connection that was used before unless it may be sent twice. */
const upstreams = (): string[] => [
  ...block('upstream apps_kept', [
    'server 0.0.0.1;',
    'balancer_by_lua_block { require("shiplog").balance() }',
    'keepalive 64;',
    'keepalive_timeout 4s;',
  ]),
  ...block('upstream apps_once', [
    'server 0.0.0.1;',
    'balancer_by_lua_block { require("shiplog").balance() }',
  ]),
];

/** A host of ours, or all others: what both begin with. */
const server = (config: NginxConfig, name: string, locations: readonly string[]): string[] => {
  const isDefault = name === '_';
  const at = address(config.bind);
  const options = isDefault ? ' default_server backlog=4096' : '';
  return block('server', [
    `listen ${at}:${int(config.port)}${options};`,
    ...(config.tls === undefined
      ? []
      : [
          `listen ${at}:${int(config.tls.port)} ssl http2${options};`,
          // Nginx wants to hear of one, and loads what a variable names in a handshake: none.
          'set $shiplog_none "";',
          'ssl_certificate data:$shiplog_none;',
          'ssl_certificate_key data:$shiplog_none;',
          'ssl_certificate_by_lua_block { require("shiplog_tls").certify() }',
          'ssl_protocols TLSv1.2 TLSv1.3;',
          // A certificate that was taken out must not serve on in sessions that are taken up again.
          'ssl_session_tickets off;',
        ]),
    `server_name ${name};`,
    'set $shiplog_instance "";',
    'set $shiplog_status "";',
    'set $shiplog_retry "";',
    'set $shiplog_app "";',
    'set $shiplog_request "";',
    'set $shiplog_upgrade "";',
    'set $shiplog_connection close;',
    'set $shiplog_upstream apps_once;',
    // As the client wrote it, or without the path of its domain.
    'set $shiplog_uri "";',
    'set $shiplog_prefix "";',
    'log_by_lua_block { require("shiplog").finish() }',
    'header_filter_by_lua_block { require("shiplog").answer() }',
    'error_page 500 502 504 @page;',
    ...block('location @page', ['content_by_lua_block { require("shiplog").page() }']),
    ...locations,
  ]);
};

const apps = (config: NginxConfig): string[] =>
  server(config, '_', [
    ...(config.platformHost === undefined
      ? []
      : toPlatform(`location ^~ ${ACME_PATH}`, config.platformHost)),
    ...block('location /', [
      'rewrite_by_lua_block { require("shiplog").route() }',
      'proxy_pass http://$shiplog_upstream$shiplog_uri;',
      'proxy_set_header Connection $shiplog_connection;',
      'proxy_set_header Upgrade $shiplog_upgrade;',
      'proxy_set_header X-Forwarded-Prefix $shiplog_prefix;',
      'proxy_set_header X-Request-Id $shiplog_request;',
      ...FORWARDED,
      'proxy_hide_header X-Shiplog-Router;',
      'proxy_pass_header Server;',
      'proxy_pass_header Date;',
      // An app does not steer the proxy by what it answers.
      'proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset Cache-Control Expires Set-Cookie Vary;',
      // 16k of head, as for requests.
      'proxy_buffer_size 16k;',
      'proxy_buffers 4 16k;',
      // A POST that was sent is never sent again; shiplog.lua says so of every other change, too.
      'proxy_next_upstream error timeout;',
    ]),
  ]);

const platform = (config: NginxConfig, host: PlatformHost): string[] =>
  server(config, word(host.domain, /^[a-z0-9.-]+$/), toPlatform('location /', host));

/** The api speaks for itself: its streams are silent for long, and a push takes what it takes. */
const toPlatform = (location: string, { apiPort }: PlatformHost): string[] =>
  block(location, [
    'rewrite_by_lua_block { require("shiplog").to_platform() }',
    `proxy_pass http://127.0.0.1:${int(apiPort)};`,
    'proxy_set_header Connection $shiplog_api_connection;',
    'proxy_set_header Upgrade $http_upgrade;',
    'proxy_set_header X-Forwarded-Prefix "";',
    'proxy_set_header X-Request-Id $request_id;',
    ...FORWARDED,
    'proxy_read_timeout 1h;',
    'proxy_send_timeout 1h;',
  ]);

/** What a server behind us is told of a client, and that nothing waits here. */
const FORWARDED: readonly string[] = [
  'proxy_http_version 1.1;',
  'proxy_set_header Host $http_host;',
  'proxy_set_header Forwarded "";',
  'proxy_set_header X-Forwarded-For $remote_addr;',
  'proxy_set_header X-Forwarded-Proto $scheme;',
  'proxy_set_header X-Forwarded-Host $http_host;',
  'proxy_set_header X-Forwarded-Port $server_port;',
  'proxy_set_header X-Real-IP $remote_addr;',
  'proxy_redirect off;',
  'proxy_buffering off;',
  'proxy_request_buffering off;',
];

const administration = (socket: string): string[] =>
  block('server', [
    `listen unix:${word(socket, /^\/[A-Za-z0-9._/-]+$/)};`,
    'client_body_buffer_size 64m;',
    'location = /routes { content_by_lua_block { require("shiplog_admin").administer() } }',
    'location = /access { content_by_lua_block { require("shiplog_access").administer() } }',
    'location = /tls { content_by_lua_block { require("shiplog_admin").administer_tls() } }',
    'location = /traffic { content_by_lua_block { require("shiplog_figures").traffic() } }',
  ]);

const block = (head: string, lines: readonly string[]): string[] => [
  `${head} {`,
  ...lines.map((line) => `  ${line}`),
  '}',
];

const NAME = /^[a-z_][a-z0-9_-]*$/i;

const address = (bind: string): string => {
  if (bind === '*') return '0.0.0.0';
  return bind.includes(':')
    ? `[${word(bind, /^[0-9a-fA-F:.]+$/)}]`
    : word(bind, /^[A-Za-z0-9.-]+$/);
};

/** The operator's own path. A `$` would begin a variable, for which there is no other spelling. */
const path = (text: string): string =>
  `"${word(text, /^\/[^\p{Cc}$]+$/u).replaceAll(/[\\"]/g, '\\$&')}"`;

/** The last gate: whoever calls with something else has a bug, and gets no configuration. */
const word = (text: string, pattern: RegExp): string => {
  if (!pattern.test(text)) throw new Error(`not allowed in nginx.conf: ${JSON.stringify(text)}`);
  return text;
};

const int = (n: number): number => {
  if (!Number.isInteger(n) || n < 0) throw new Error(`not a number for nginx.conf: ${n}`);
  return n;
};
