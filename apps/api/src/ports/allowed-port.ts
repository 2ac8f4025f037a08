import type { PlatformConfig } from '@shiplog/runtime';
import { Problem } from '../http/problem.js';

type Where = Pick<
  PlatformConfig,
  | 'router'
  | 'tcpPorts'
  | 'apiPort'
  | 'publicApiPort'
  | 'natsPort'
  | 'routerPort'
  | 'tlsPort'
  | 'healthPort'
  | 'instancePorts'
>;

/** As it stands in an address. */
export const portSpelt = (text: string): number => {
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535) return Number(text);
  const message = 'expected a port from 1 to 65535';
  throw new Problem('invalid-input', `path.port: ${message}.`, {
    errors: [{ path: 'path.port', message }],
  });
};

/** Refuses what the router cannot do, and ports that are not for apps. */
export const refusePort = (port: number, config: Where): void => {
  if (config.router === 'nginx') {
    throw new Problem(
      'router-cannot',
      'The Nginx of this platform serves HTTP only. TCP ports need HAProxy (SHIPLOG_ROUTER=haproxy).',
    );
  }
  const { from, to } = config.tcpPorts;
  if (port < from || port > to) {
    throw notAllowed(`Apps can have ports from ${from} to ${to} (SHIPLOG_TCP_PORTS).`);
  }
  const { apiPort, publicApiPort, natsPort, routerPort, tlsPort, healthPort } = config;
  if ([apiPort, publicApiPort, natsPort, routerPort, tlsPort, healthPort].includes(port)) {
    throw notAllowed(`The platform itself listens at port ${port}. Choose another one.`);
  }
  const own = config.instancePorts;
  if (own !== undefined && port >= own.from && port <= own.to) {
    throw notAllowed(
      `Ports from ${own.from} to ${own.to} are given to instances (SHIPLOG_INSTANCE_PORTS). Choose another one.`,
    );
  }
};

const notAllowed = (detail: string): Problem => new Problem('port-not-allowed', detail);
