import { z } from 'zod';
import { defineEvent } from './event.js';
import { id, processType } from './ids.js';

const portNumber = z.number().int().min(1).max(65_535);

/** Of an app: connections to a port of the routers go to one of its processes. */
export const appPortEvents = [
  defineEvent('PortAdded', 1, {
    appId: id,
    port: portNumber,
    process: processType,
    /** Where the process listens; null: at the port of the app. */
    containerPort: portNumber.nullable(),
  }),
  defineEvent('PortRemoved', 1, { appId: id, port: portNumber }),
] as const;

/** One stream per port of the routers, its id the number: whoever appends to it while it is free has the port. */
export const portEvent = z.discriminatedUnion('type', [
  defineEvent('PortReserved', 1, { port: portNumber, appId: id, teamId: id }),
  defineEvent('PortReleased', 1, { port: portNumber, appId: id }),
]);
export type PortEvent = z.infer<typeof portEvent>;
