import { placeAt } from '../routes/places.js';

/** What serves a port is called by its number: nothing has to be remembered of it. */
const PORT_PREFIX = 'tcp';
export const portProxyName = (port: number): string => `${PORT_PREFIX}${port}`;

/** The port that a proxy, or a place of it, serves: 32100 of `tcp32100/s3`. */
export const portOfProxy = (slot: string): number | undefined => {
  const [, port] = /^tcp(\d{1,5})(?:\/|$)/.exec(slot) ?? [];
  return port === undefined ? undefined : Number(port);
};

/** Who has a slot: an instance in its place at a port, else whoever the owner is. */
export const placeIn = (slot: string, owner: string): string => {
  const port = slot.includes('/') ? portOfProxy(slot) : undefined;
  return port === undefined ? owner : placeAt(owner, port);
};

/** A connection may be silent for so long. */
const IDLE = '1h';

/**
 * Of everything after it. Places are not asked by HAProxy: a connection that is refused goes to another one at once, and
 * some servers lock out whoever only knocks.
 */
export const tcpDefaults = (): readonly string[] => [
  'mode tcp',
  'timeout connect 250ms',
  `timeout client ${IDLE}`,
  `timeout server ${IDLE}`,
  'timeout queue 5s',
  'timeout client-fin 10s',
  'timeout server-fin 10s',
  'retries 3',
  'option redispatch 1',
  'option clitcpka',
  'option srvtcpka',
  'balance roundrobin',
  'load-server-state-from-file global',
];
