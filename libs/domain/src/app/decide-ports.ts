import type { AppEvent } from '@shiplog/events';
import { accept, reject, type Decision } from '../decider.js';
import { releaseOf, restarted } from './generation.js';
import {
  isReached,
  numbersOf,
  passwordPart,
  PORT_COUNT_MAX,
  unfitFor,
  type KnownPort,
} from './ports.js';
import type { ActiveApp } from './state.js';

export type PortCommand =
  | {
      type: 'AddPort';
      /** Of the routers. */
      port: number;
      process: string;
      containerPort: number | null;
      /** The release whose image goes on, as in other changes. */
      baseVersion: number | null;
    }
  | { type: 'RemovePort'; port: number };

export type PortRejection =
  | { code: 'port-not-on-app'; port: number; known: readonly number[] }
  | { code: 'port-in-use'; port: number; process: string; containerPort: number | null }
  | { code: 'container-port-missing'; process: string }
  | { code: 'process-type-unknown'; processType: string; known: readonly string[] }
  | { code: 'policy-beside-port'; parts: readonly string[]; ports: readonly number[] }
  | { code: 'too-many-ports'; limit: number };

type PortDecision = Decision<AppEvent, PortRejection>;

/**
 * Instances of `web` are reached already. Others were made without a port: they are replaced, so that they are
 * asked whether they are ready before anybody is led to them.
 */
export const addPort = (
  { port, process, containerPort, baseVersion }: Extract<PortCommand, { type: 'AddPort' }>,
  state: ActiveApp,
): PortDecision => {
  const { appId, ports = {} } = state;
  const before = ports[port];
  if (before !== undefined) {
    const isSame = before.process === process && before.containerPort === containerPort;
    return isSame ? accept() : reject({ code: 'port-in-use', port, ...before });
  }
  const fault = faultOf({ port, process, containerPort }, state);
  if (fault !== null) return reject(fault);
  const data = { appId, port, process, containerPort };
  const added: AppEvent = { type: 'PortAdded', v: 1, data };
  const base = releaseOf(state, baseVersion);
  return base === undefined || isReached(state, process)
    ? accept(added)
    : accept(added, restarted(state, base.version));
};

const faultOf = (
  { port, process, containerPort }: { port: number } & KnownPort,
  { ports = {}, formation, releases, traffic, basicAuth }: ActiveApp,
): PortRejection | null => {
  const known = Object.keys(formation);
  if (releases.length > 0 && !known.includes(process)) {
    return { code: 'process-type-unknown', processType: process, known };
  }
  if (process !== 'web' && containerPort === null) {
    return { code: 'container-port-missing', process };
  }
  const users = Object.keys(basicAuth?.users ?? {}).length;
  const parts = [...unfitFor(traffic), ...passwordPart(users, process)];
  if (parts.length > 0) return { code: 'policy-beside-port', parts, ports: [port] };
  return Object.keys(ports).length >= PORT_COUNT_MAX
    ? { code: 'too-many-ports', limit: PORT_COUNT_MAX }
    : null;
};

export const removePort = (
  { port }: Extract<PortCommand, { type: 'RemovePort' }>,
  { appId, ports = {} }: ActiveApp,
): PortDecision =>
  Object.hasOwn(ports, port)
    ? accept({ type: 'PortRemoved', v: 1, data: { appId, port } })
    : reject({ code: 'port-not-on-app', port, known: numbersOf(ports) });
