import type { PoolSize } from './render.js';

/** Places that every app gets for HTTP/2 when the first instance speaks it. */
const H2_SERVERS_FIRST = 4;

/** Ports that are not served yet. */
export const newPorts = (pool: PoolSize, needs: PoolSize): readonly number[] =>
  (needs.ports ?? []).filter((port) => pool.ports?.includes(port) !== true);

/** Doubled until everything fits, so that growing stays rare. */
export const grown = (pool: PoolSize, needs: PoolSize): PoolSize => ({
  ...withPorts(pool, newPorts(pool, needs)),
  backends: doubled(pool.backends, needs.backends),
  servers: doubled(pool.servers, needs.servers),
  h2Servers:
    needs.h2Servers === 0
      ? pool.h2Servers
      : doubled(Math.max(pool.h2Servers, H2_SERVERS_FIRST), needs.h2Servers),
});
export const withPorts = (
  { ports = [] }: PoolSize,
  more: readonly number[],
): Pick<PoolSize, 'ports'> => {
  const all = [...new Set([...ports, ...more])].toSorted((a, b) => a - b);
  return all.length === 0 ? {} : { ports: all };
};
const doubled = (from: number, to: number): number => (from >= to ? from : doubled(from * 2, to));
