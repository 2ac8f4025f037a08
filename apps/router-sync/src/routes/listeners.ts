import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { PlatformConfig } from '@shiplog/runtime';
import { RouterError } from './router.port.js';

const POLL_MS = 40;
const ATTEMPTS = 25;

/** One port on which a proxy is to listen. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** What a person sets to have another one. */
  readonly portVariable: string;
  readonly hostVariable: string;
}

export const listenersOf = ({
  bind,
  routerBind,
  routerPort,
  tlsPort,
}: Pick<PlatformConfig, 'bind' | 'routerBind' | 'routerPort' | 'tlsPort'>): readonly Listener[] => {
  const at = {
    host: routerBind ?? bind,
    hostVariable: routerBind === undefined ? 'SHIPLOG_BIND' : 'SHIPLOG_ROUTER_BIND',
  };
  return [
    { ...at, port: routerPort, portVariable: 'SHIPLOG_ROUTER_PORT' },
    ...(tlsPort === undefined ? [] : [{ ...at, port: tlsPort, portVariable: 'SHIPLOG_TLS_PORT' }]),
  ];
};

export const waitUntilPortIsFree = async (config: PlatformConfig): Promise<void> => {
  for (const listener of listenersOf(config)) await waitUntilFree(listener);
};

/**
 * Asked before the proxy is, whose own words name neither the variable nor a way out. Waits a moment:
 * a worker whose master was killed takes a little to notice.
 */
export const waitUntilFree = async (listener: Listener): Promise<void> => {
  for (let attempt = 0; ; attempt += 1) {
    const error = await tryToListen(listener);
    if (error === undefined) return;
    if (error.code === 'EADDRINUSE' && attempt < ATTEMPTS) {
      await delay(POLL_MS);
      continue;
    }
    throw portError(listener, error);
  }
};

/** Could a program of this machine listen there now? */
export const isFree = async (host: string, port: number): Promise<boolean> =>
  (await tryToListen({ host, port })) === undefined;

const portError = (listener: Listener, error: NodeJS.ErrnoException): RouterError => {
  const { host, port, portVariable, hostVariable } = listener;
  const noAddress = `this machine has no address ${host}: set ${hostVariable} to one of its own`;
  const remedy: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is taken by another program: end it, or set ${portVariable} to a free port`,
    EACCES: `ports below 1024 need root: set ${portVariable} to a port above 1023`,
    EADDRNOTAVAIL: noAddress,
    ENOTFOUND: noAddress,
  };
  const what = remedy[error.code ?? ''] ?? `set ${portVariable} and ${hostVariable}`;
  return new RouterError(
    'router-port-taken',
    `the router cannot listen on ${host}:${port}: ${what}`,
    { cause: error },
  );
};

const tryToListen = ({
  host,
  port,
}: Pick<Listener, 'host' | 'port'>): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error));
    server.listen({ port, host: host === '*' ? '0.0.0.0' : host, exclusive: true }, () =>
      server.close(() => resolve(undefined)),
    );
  });
