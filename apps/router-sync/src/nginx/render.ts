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
  /** Names this configuration: a worker that answers with it runs it. */
  readonly fingerprint: string;
}

/** Files beside the configuration. */
export const NGINX_FILES = {
  config: 'nginx.conf',
  pages: 'nginx-pages.map',
  routes: 'nginx.routes',
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
      ...lua(config, file('routes'), file('pages')),
      ...limits(config.directory),
      ...upstreams(),
      ...apps(config),
      ...administration(config.adminSocket),
    ]),
    '',
  ].join('\n');
};

/** The memory is named and sized as before, or a reload would begin with an empty one. */
const lua = (config: NginxConfig, routes: string, pages: string): string[] => [
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
  // An instance that refuses a connection is no error of the proxy.
  'lua_socket_log_errors off;',
  ...block('init_by_lua_block', [
    // All of the code, so that what is wrong with it is found before it serves.
    'require "shiplog"',
    `require("shiplog_admin").platform = "${word(config.platform, /^[a-z0-9-]+$/)}"`,
    'local workers = require "shiplog_workers"',
    `workers.configuration = "${word(config.fingerprint, /^[0-9a-f]+$/)}"`,
    `workers.connections = ${CONNECTIONS}`,
    `require("shiplog_table").load(${routes})`,
    `require("shiplog_pages").load(${pages})`,
  ]),
  'init_worker_by_lua_block { require("shiplog_workers").start() }',
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

const apps = ({ bind, port }: NginxConfig): string[] =>
  block('server', [
    `listen ${address(bind)}:${int(port)} default_server backlog=4096;`,
    'server_name _;',
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
    'error_page 500 502 504 @page;',
    ...block('location @page', ['content_by_lua_block { require("shiplog").page() }']),
    ...block('location /', [
      'rewrite_by_lua_block { require("shiplog").route() }',
      'header_filter_by_lua_block { require("shiplog").answer() }',
      'proxy_pass http://$shiplog_upstream$shiplog_uri;',
      'proxy_http_version 1.1;',
      'proxy_set_header Host $http_host;',
      'proxy_set_header Connection $shiplog_connection;',
      'proxy_set_header Upgrade $shiplog_upgrade;',
      'proxy_set_header Forwarded "";',
      'proxy_set_header X-Forwarded-For $remote_addr;',
      'proxy_set_header X-Forwarded-Proto http;',
      'proxy_set_header X-Forwarded-Host $http_host;',
      'proxy_set_header X-Forwarded-Port $server_port;',
      'proxy_set_header X-Forwarded-Prefix $shiplog_prefix;',
      'proxy_set_header X-Real-IP $remote_addr;',
      'proxy_set_header X-Request-Id $shiplog_request;',
      'proxy_hide_header X-Shiplog-Router;',
      'proxy_pass_header Server;',
      'proxy_pass_header Date;',
      // An app does not steer the proxy by what it answers.
      'proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset Cache-Control Expires Set-Cookie Vary;',
      'proxy_redirect off;',
      'proxy_buffering off;',
      'proxy_request_buffering off;',
      // 16k of head, as for requests.
      'proxy_buffer_size 16k;',
      'proxy_buffers 4 16k;',
      // A POST that was sent is never sent again; shiplog.lua says so of every other change, too.
      'proxy_next_upstream error timeout;',
    ]),
  ]);

const administration = (socket: string): string[] =>
  block('server', [
    `listen unix:${word(socket, /^\/[A-Za-z0-9._/-]+$/)};`,
    'client_body_buffer_size 64m;',
    'location = /routes { content_by_lua_block { require("shiplog_admin").administer() } }',
    'location = /access { content_by_lua_block { require("shiplog_access").administer() } }',
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
