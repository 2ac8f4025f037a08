import type { ActiveApp } from '@shiplog/domain';

/**
 * An instance has one place at a proxy for requests, which has its name, and one for each port of the router that leads
 * to it: `web-1@32100`. `@` is in no id.
 */
export const placeAt = (instanceId: string, port: number): string => `${instanceId}@${port}`;

/** Whose place it is. */
export const instanceOf = (place: string): string => place.split('@', 1)[0] ?? place;

/** Port of the router that leads there; undefined: requests of hosts do. */
export const portOf = (place: string): number | undefined => numberIn(/@(\d{1,5})$/.exec(place));

/** A port among the hosts of a router. No host has a colon. */
export const portRoute = (port: number): string => `tcp:${port}`;

export const portIn = (route: string): number | undefined =>
  numberIn(/^tcp:([1-9]\d{0,4})$/.exec(route));

/** A port that two apps list goes to nobody else until one of them gave it up. */
export const portsIn = (apps: readonly ActiveApp[]): ReadonlyMap<string, string> => {
  const ports = new Map<string, string>();
  for (const { appId, ports: own = {} } of apps) {
    for (const port of Object.keys(own)) {
      const route = portRoute(Number(port));
      if (!ports.has(route)) ports.set(route, appId);
    }
  }
  return ports;
};

const numberIn = (match: RegExpExecArray | null): number | undefined =>
  match === null ? undefined : Number(match[1]);
