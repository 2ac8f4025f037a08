import type { PlatformConfig } from '@shiplog/runtime';
import type { AccessSource } from '../access/access-source.js';
import { HaproxyAccess } from '../access/haproxy-access.js';
import { NginxAccess } from '../access/nginx-access.js';
import { ensureProcess, masterPid, trimLog } from '../haproxy/process.js';
import { HaproxyRouter } from '../haproxy/haproxy-router.js';
import { HaproxyTerminator } from '../haproxy/haproxy-terminator.js';
import { NginxAdmin } from '../nginx/admin.js';
import { nginxPaths } from '../nginx/files.js';
import { ensureNginx, nginxPid } from '../nginx/process.js';
import { NginxTerminator } from '../nginx/nginx-terminator.js';
import { NginxRouter } from '../nginx/nginx-router.js';
import { routerPaths } from './router-paths.js';
import type { Terminator } from '../tls/terminator.port.js';
import { RouterError, type Router } from './router.port.js';

/** The proxy that `SHIPLOG_ROUTER` names: how it is kept alive, and how its routes are changed. */
export interface Proxy {
  readonly kind: Router['kind'];
  readonly router: Router;
  /** Undefined where it serves no HTTPS. */
  readonly terminator: Terminator | undefined;
  /** What it says of every request. */
  readonly access: AccessSource;
  readonly socket: string;
  /** Adopts the one that runs, or starts one. `pid`: undefined where somebody else runs it. */
  ensure(): Promise<{ readonly pid: number | undefined; readonly wasAdopted: boolean }>;
  /** Keeps what it writes within bounds. */
  trimLog(): Promise<unknown>;
}

export const proxyOf = (config: PlatformConfig, env: NodeJS.ProcessEnv): Proxy => {
  const haproxy = routerPaths(config, env);
  const nginx = nginxPaths(config, env);
  if (config.router === 'haproxy') {
    const router = new HaproxyRouter(config, haproxy);
    return {
      kind: 'haproxy',
      router,
      access: new HaproxyAccess(haproxy, (server) => router.ownerOf(server)),
      terminator:
        config.tlsPort === undefined || haproxy.isExternal
          ? undefined
          : new HaproxyTerminator(haproxy),
      socket: haproxy.admin,
      ensure: async () => {
        assertAlone('haproxy', 'nginx', await nginxPid(nginx));
        return ensureProcess(config, haproxy);
      },
      trimLog: () => trimLog(haproxy),
    };
  }
  return {
    kind: 'nginx',
    router: new NginxRouter(nginx),
    terminator: config.tlsPort === undefined ? undefined : new NginxTerminator(nginx),
    access: new NginxAccess(new NginxAdmin(nginx.admin)),
    socket: nginx.admin,
    ensure: async () => {
      if (haproxy.isExternal) {
        throw new RouterError(
          'router-config-invalid',
          'SHIPLOG_HAPROXY_SOCKET names a HAProxy that somebody else runs, but SHIPLOG_ROUTER is nginx: unset one of them',
        );
      }
      assertAlone('nginx', 'haproxy', await masterPid(haproxy));
      return ensureNginx(config, nginx);
    },
    trimLog: () => trimLog(nginx),
  };
};

/** What the other one has in hand this one cannot see: an instance could be stopped before it is drained. */
const assertAlone = (kind: Router['kind'], other: string, pid: number | undefined): void => {
  if (pid === undefined) return;
  throw new RouterError(
    'router-port-taken',
    `SHIPLOG_ROUTER is ${kind}, but the ${other} of this platform still serves (process ${pid}): stop the platform, end it with "kill -TERM ${pid}", and start again`,
  );
};
