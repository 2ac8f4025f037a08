import type { KnownInstance } from '@shiplog/domain';
import type { Action, PlanInput } from './actions.js';

/**
 * Signals that were noticed and are not in the log yet. Also of an instance that is being stopped just now:
 * SIGTERM is told when it is sent, not when the grace period is over.
 */
export const planSignals = (input: PlanInput): readonly Action[] =>
  input.app.instances.flatMap((instance) => signalsOf(instance, input));

const signalsOf = (
  { appId, instanceId, containerId, signals = [], status }: KnownInstance,
  { app, signalsOf: noticed }: PlanInput,
): Action[] => {
  if (containerId === null || noticed === undefined) return [];
  const known = new Set(signals.map(({ signal }) => signal));
  return noticed(containerId).flatMap(({ signal, atMs }): Action[] => {
    if (known.has(signal)) return [];
    known.add(signal);
    const isOurs = status === 'retired' && signal !== 'SIGKILL';
    const graceSeconds = isOurs ? app.settings.graceSeconds : null;
    return [{ type: 'record-signalled', appId, instanceId, signal, graceSeconds, atMs }];
  });
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
