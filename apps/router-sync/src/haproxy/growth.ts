import type { PoolSize } from './render.js';

/** Places that every app gets for HTTP/2 when the first instance speaks it. */
const H2_SERVERS_FIRST = 4;

/** Ports that are not served yet. */
export const newPorts = (pool: PoolSize, needs: PoolSize): readonly number[] =>
  (needs.ports ?? []).filter((port) => pool.ports?.includes(port) !== true);

/**
 * From here on each backend has about as many places as the largest app takes, and they grow by an eighth: each takes
 * memory, and time of every start.
 */
const MANY_BACKENDS = 1_024;
const SERVERS_OF_MANY = 8;

/** Until everything fits, by so much that growing stays rare. `highestServer`: of the places that somebody has. */
export const grown = (pool: PoolSize, needs: PoolSize, highestServer: number): PoolSize => {
  const backends = withRoom(pool.backends, needs.backends);
  const isMany = backends > MANY_BACKENDS && backends > pool.backends;
  const least = isMany ? Math.min(pool.servers, SERVERS_OF_MANY) : pool.servers;
  return {
    ...withPorts(pool, newPorts(pool, needs)),
    backends,
    servers: doubled(least, Math.max(needs.servers, isMany ? highestServer : 0)),
    h2Servers:
      needs.h2Servers === 0
        ? pool.h2Servers
        : doubled(Math.max(pool.h2Servers, H2_SERVERS_FIRST), needs.h2Servers),
  };
};
export const withPorts = (
  { ports = [] }: PoolSize,
  more: readonly number[],
): Pick<PoolSize, 'ports'> => {
  const all = [...new Set([...ports, ...more])].toSorted((a, b) => a - b);
  return all.length === 0 ? {} : { ports: all };
};
const withRoom = (from: number, to: number): number => {
  if (from >= to) return from;
  return withRoom(from < MANY_BACKENDS ? from * 2 : Math.ceil(from * 1.125), to);
};
const doubled = (from: number, to: number): number => (from >= to ? from : doubled(from * 2, to));
