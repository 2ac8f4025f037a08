import { checkName, checkOf, type ActiveApp, type KnownInstance } from '@shiplog/domain';
import type { Check } from '@shiplog/events';
import type { PlatformConfig } from '@shiplog/runtime';
import type { Container } from '../containers/container-engine.port.js';
import { askable, type CheckTarget } from './ask-check.js';

/** One check of one run of an instance, to be asked again and again. */
export interface WantedWatch {
  readonly instanceId: string;
  readonly appId: string;
  readonly probe: 'readiness' | 'liveness';
  /** Null: there is nothing to ask any more, and what is unready is ready again. */
  readonly check: Check | null;
  readonly target: CheckTarget;
  /** The run that is asked: another one begins anew. */
  readonly startedAt: string;
}

/** What has to be watched of one app: everything that became ready and runs. */
export const wantedWatches = (
  app: ActiveApp | undefined,
  instances: readonly KnownInstance[],
  containers: ReadonlyMap<string, Container>,
  config: Pick<PlatformConfig, 'instanceHost' | 'domain'>,
): WantedWatch[] => {
  if (app === undefined) return [];
  return instances.flatMap((instance): WantedWatch[] => {
    const { instanceId, appId, process, status } = instance;
    const container = containers.get(instanceId);
    if (!isAsked(instance, container)) return [];
    const of = {
      ...{ instanceId, appId, startedAt: container.startedAt },
      target: { containerId: container.id, web: webOf(instance, app, config) },
    };
    const readiness = askable(checkOf(app, process, 'readiness'), process, of.target);
    const liveness = askable(checkOf(app, process, 'liveness'), process, of.target);
    return [
      ...(readiness === null && status === 'ready'
        ? []
        : [{ ...of, probe: 'readiness' as const, check: readiness }]),
      ...(liveness === null ? [] : [{ ...of, probe: 'liveness' as const, check: liveness }]),
    ];
  });
};

/** One that is to be started again, or that somebody froze, has nothing to say; nor has another run. */
const isAsked = (
  { status, unready, startedAt }: KnownInstance,
  container: Container | undefined,
): container is Container & { readonly startedAt: string } =>
  (status === 'ready' || status === 'unready') &&
  unready?.cause !== 'liveness' &&
  container?.status === 'running' &&
  container.startedAt !== null &&
  (startedAt === undefined || startedAt === container.startedAt);

/** The way that requests take. */
const webOf = (
  { port, address, containerPort, reach, protocol }: KnownInstance,
  app: ActiveApp,
  { instanceHost, domain }: Pick<PlatformConfig, 'instanceHost' | 'domain'>,
): CheckTarget['web'] => {
  if (containerPort === null) return null;
  const as = { virtualHost: `${app.name}.${domain}`, protocol };
  if (reach === 'direct' && address != null) {
    return { host: address, port: containerPort, isPublished: false, ...as };
  }
  return port === null ? null : { host: instanceHost, port, isPublished: true, ...as };
};

/**
 * May the check fail the instance? Only one that it has passed once: what never passed is a wrong check rather
 * than a broken program, and a typing error in a path must not take down what serves. A connection was accepted
 * when it became ready.
 */
export const isArmed = (check: Check, { passed, containerPort }: KnownInstance): boolean =>
  (check.kind === 'tcp' && containerPort !== null) || passed?.includes(checkName(check)) === true;
