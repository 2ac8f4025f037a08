import type { AppEvent, TrafficPolicy } from '@shiplog/events';

/** What a port of the routers leads to. */
export interface KnownPort {
  readonly process: string;
  /** Where the process listens; null: at the port of the app. */
  readonly containerPort: number | null;
}
/** By number. */
export type Ports = Readonly<Record<string, KnownPort>>;

export const PORT_COUNT_MAX = 20;

/** The process type that requests are routed to. */
const ROUTED = 'web';

export const evolvePorts = (
  ports: Ports = {},
  event: Extract<AppEvent, { type: 'PortAdded' | 'PortRemoved' }>,
): Ports => {
  const { port } = event.data;
  const others = Object.entries(ports).filter(([number]) => number !== String(port));
  if (event.type === 'PortRemoved') return Object.fromEntries(others);
  const { process, containerPort } = event.data;
  return Object.fromEntries([...others, [String(port), { process, containerPort }]]);
};

/** In ascending order. */
export const numbersOf = (ports: Ports | undefined): readonly number[] =>
  Object.keys(ports ?? {})
    .map(Number)
    .toSorted((a, b) => a - b);

/** Of one process type, in ascending order. */
export const portsOf = (
  { ports }: { readonly ports?: Ports },
  process: string,
): readonly { readonly port: number; readonly containerPort: number | null }[] =>
  numbersOf(ports).flatMap((port) => {
    const known = ports?.[port];
    return known?.process === process ? [{ port, containerPort: known.containerPort }] : [];
  });

/** Is a process type reached from outside? Its instances have a port then. */
export const isReached = (app: { readonly ports?: Ports }, process: string): boolean =>
  process === ROUTED || portsOf(app, process).length > 0;

/** `web`, or `broker at 1883`. */
export const portText = ({ process, containerPort }: KnownPort): string =>
  containerPort === null ? process : `${process} at ${containerPort}`;

/** Who may come and how many: what a port would let pass unseen. The other parts are about requests. */
const OF_CLIENTS = ['allow', 'deny', 'concurrency', 'rate'] as const;

/** With a password for requests, nobody gets to `web` around it. */
const PASSWORDS = 'basic-auth';
export const passwordPart = (users: number, process: string): readonly string[] =>
  users > 0 && process === ROUTED ? [PASSWORDS] : [];

export const unfitFor = (policy: TrafficPolicy | undefined): readonly string[] =>
  OF_CLIENTS.filter((part) => policy?.[part] !== undefined);
