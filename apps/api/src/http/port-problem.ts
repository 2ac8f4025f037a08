import { portText, type Rejection } from '@shiplog/domain';
import { list } from './list-words.js';

const CODES = [
  'port-not-on-app',
  'port-taken',
  'port-in-use',
  'container-port-missing',
  'policy-beside-port',
  'too-many-ports',
] as const;
export type PortRejection = Extract<Rejection, { code: (typeof CODES)[number] }>;

export const isAboutPorts = (rejection: Rejection): rejection is PortRejection =>
  (CODES as readonly string[]).includes(rejection.code);

export const portDetailOf = (rejection: PortRejection): string => {
  switch (rejection.code) {
    case 'port-not-on-app': {
      const { port, known } = rejection;
      const all = known.length === 0 ? 'It has none.' : `Its ports: ${list(known.map(String))}.`;
      return `The app does not have port ${port}. ${all}`;
    }
    case 'port-taken':
      return `Port ${rejection.port} belongs to another app. Choose another one, or remove it there first.`;
    case 'port-in-use':
      return `Port ${rejection.port} leads to ${portText(rejection)} of this app already. Remove it first: \`shiplog ports remove ${rejection.port}\`.`;
    case 'container-port-missing':
      return `Say at which port ${rejection.process} listens in its container: containerPort (--container-port). Only web has one of its own.`;
    case 'policy-beside-port': {
      const ports = list(rejection.ports.map((port) => `port ${port}`));
      return `At ${ports} the router would not hold to ${list(rejection.parts)}, which counts for HTTP only. Take that away, or the port.`;
    }
    case 'too-many-ports':
      return `An app has at most ${rejection.limit} ports.`;
  }
};
