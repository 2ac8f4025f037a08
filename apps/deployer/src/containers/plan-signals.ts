import type { KnownInstance } from '@shiplog/domain';
import type { Action, PlanInput } from './actions.js';
import { GRACE_SECONDS_MAX } from './plan-health.js';

/**
 * Signals that were noticed and are not in the log yet. Also of an instance that is being stopped just now:
 * SIGTERM is told when it is sent, not when the grace period is over.
 */
export const planSignals = (input: PlanInput): readonly Action[] =>
  input.app.instances.flatMap((instance) => signalsOf(instance, input));

const signalsOf = (instance: KnownInstance, { app, signalsOf: noticed }: PlanInput): Action[] => {
  const { appId, instanceId, containerId, startedAt, signals = [] } = instance;
  if (containerId === null || noticed === undefined) return [];
  const known = new Set(signals.map(({ signal }) => signal));
  // What ended the run before is known late at times: it was not sent to this one.
  const sinceMs = startedAt === undefined ? 0 : Date.parse(startedAt);
  return noticed(containerId).flatMap(({ signal, atMs }): Action[] => {
    if (known.has(signal) || atMs < sinceMs) return [];
    known.add(signal);
    const graceSeconds = signal === 'SIGKILL' ? null : graceOf(instance, app.settings.graceSeconds);
    return [{ type: 'record-signalled', appId, instanceId, signal, graceSeconds, atMs }];
  });
};

/** What we give it where it is us who end it; null: somebody else does. */
const graceOf = ({ status, unready }: KnownInstance, graceSeconds: number): number | null => {
  if (status === 'retired') return graceSeconds;
  return unready?.cause === 'liveness' ? Math.min(GRACE_SECONDS_MAX, graceSeconds) : null;
};

/** A stop that another process of ours began goes on: what is left of its grace period. */
export const graceLeft = (
  { signals = [] }: KnownInstance,
  graceSeconds: number,
  nowMs: number,
): number => {
  const sent = signals.find(({ graceSeconds: given }) => given !== null);
  if (sent === undefined) return graceSeconds;
  const leftMs = Date.parse(sent.at) + graceSeconds * 1000 - nowMs;
  return Math.min(graceSeconds, Math.max(0, Math.ceil(leftMs / 1000)));
};
