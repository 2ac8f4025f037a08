// What others do when an instance is ready: proxies of a dozen lines, changed by their own means.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HaproxyRuntime } from '../../apps/router-sync/dist/haproxy/runtime.js';
import { ask } from '../../apps/router-sync/dist/testing/client.js';
import { freePort } from '../../apps/router-sync/dist/testing/free-port.js';
import { waitFor } from './wait.mjs';

const NOBODY = '127.0.0.1:1';

/** A program with its files in a folder of its own, until `close`. */
const proxyOf = async (start) => {
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), 'bench-route-'));
  const { command, args, ...rest } = await start({ port, directory });
  const env = { ...process.env, HOME: directory, XDG_CONFIG_HOME: directory };
  const child = spawn(command, args, { stdio: 'ignore', env });
  await waitFor(command, () =>
    ask(port, { host: 'x' }).then(
      () => true,
      () => false,
    ),
  );
  const close = async () => {
    child.kill('SIGTERM');
    await once(child, 'exit');
    await rm(directory, { recursive: true });
  };
  return { port, child, close, ...rest };
};

const plainHaproxy = (command) =>
  proxyOf(async ({ port, directory }) => {
    const config = join(directory, 'haproxy.cfg');
    const socket = join(directory, 'admin.sock');
    const write = (servers) =>
      writeFile(
        config,
        `global
  stats socket ${socket} mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
${servers.map((at, i) => `  server s${i} ${at}`).join('\n')}
`,
      );
    await write([`${NOBODY} disabled`, `${NOBODY} disabled`]);
    return { command, args: ['-W', '-f', config], write, socket };
  });

/** Two places, of which one is in use: the change written to the runtime API by hand. */
export const haproxyByHand = async (command) => {
  const { port, child, socket, close } = await plainHaproxy(command);
  const runtime = new HaproxyRuntime(socket);
  return {
    port,
    child,
    close,
    change: (instancePort, n) =>
      runtime.change([
        `set server b/s${n % 2} addr 127.0.0.1 port ${instancePort}`,
        `set server b/s${n % 2} state ready`,
      ]),
    after: (n) => runtime.change([`set server b/s${(n + 1) % 2} state maint`]),
  };
};

/**
 * What an operator would have anyway: the host in a map leads to its backend, a line for each request into a ring, an id
 * and `X-Forwarded-For` for the app, and what is safe to be sent again is sent again.
 */
export const haproxyAsUsual = (command, host, instancePort) =>
  proxyOf(async ({ port, directory }) => {
    const config = join(directory, 'haproxy.cfg');
    const map = join(directory, 'hosts.map');
    await writeFile(map, `${host} b\n`);
    await writeFile(
      config,
      `ring lines
  format raw
  maxlen 2048
  size 4194304
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  retries 3
  option redispatch
  retry-on conn-failure empty-response
frontend f
  bind 127.0.0.1:${port}
  log ring@lines len 2048 format raw local0
  option httplog
  option forwardfor
  unique-id-format %[uuid()]
  unique-id-header X-Request-Id
  http-request disable-l7-retry unless { method GET HEAD OPTIONS }
  use_backend %[req.hdr(host),field(1,:),lower,map_str(${map})]
backend b
  server s 127.0.0.1:${instancePort}
`,
    );
    return { command, args: ['-W', '-f', config] };
  });

export const haproxyReloaded = async (command) => {
  const { port, child, write, close } = await plainHaproxy(command);
  return {
    port,
    close,
    change: async (instancePort) => {
      await write([`127.0.0.1:${instancePort}`]);
      child.kill('SIGUSR2');
    },
  };
};

export const nginxReloaded = async (command) => {
  const { port, child, write, close } = await proxyOf(async (place) => {
    const config = join(place.directory, 'nginx.conf');
    const writeConfig = (at) =>
      writeFile(
        config,
        `daemon off;
pid ${place.directory}/nginx.pid;
error_log ${place.directory}/error.log;
worker_processes auto;
events {}
http {
  access_log off;
  client_body_temp_path ${place.directory}/body;
  proxy_temp_path ${place.directory}/proxy;
  fastcgi_temp_path ${place.directory}/fastcgi;
  uwsgi_temp_path ${place.directory}/uwsgi;
  scgi_temp_path ${place.directory}/scgi;
  upstream b { server ${at}; }
  server {
    listen 127.0.0.1:${place.port};
    location / { proxy_pass http://b; }
  }
}
`,
      );
    await writeConfig(NOBODY);
    return { command, args: ['-c', config], write: writeConfig };
  });
  return {
    port,
    close,
    change: async (instancePort) => {
      await write(`127.0.0.1:${instancePort}`);
      child.kill('SIGHUP');
    },
  };
};

/** Caddy's admin API: https://caddyserver.com/docs/api. */
export const caddyByApi = async (command) => {
  const admin = await freePort();
  const { port, close } = await proxyOf(async (place) => {
    const config = join(place.directory, 'caddy.json');
    await writeFile(
      config,
      JSON.stringify({
        admin: { listen: `127.0.0.1:${admin}` },
        apps: {
          http: {
            servers: {
              s: {
                listen: [`127.0.0.1:${place.port}`],
                automatic_https: { disable: true },
                routes: [
                  { handle: [{ '@id': 'b', handler: 'reverse_proxy', upstreams: upstreams(1) }] },
                ],
              },
            },
          },
        },
      }),
    );
    return { command, args: ['run', '--config', config] };
  });
  return {
    port,
    close,
    change: (instancePort) => patch(admin, '/id/b/upstreams', upstreams(instancePort)),
  };
};

const upstreams = (port) => [{ dial: `127.0.0.1:${port}` }];

const patch = (port, path, value) =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const sent = request({ host: '127.0.0.1', port, path, method: 'PATCH', headers }, (answer) => {
      answer.resume();
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve() : reject(new Error(`caddy: ${answer.statusCode}`)),
      );
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(value));
  });
