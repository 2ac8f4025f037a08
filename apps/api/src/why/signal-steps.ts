import type { Commit, DomainEventUnion } from '@shiplog/events';
import type { Step } from './step.js';

interface Fact {
  readonly event: DomainEventUnion;
  readonly commit: Pick<Commit, 'actor'>;
  readonly sequence: string;
}

/** What a container of an instance was sent: SIGTERM, and SIGKILL where that was not enough. In log order. */
export const signalSteps = (
  facts: readonly Fact[],
  instanceId: string,
  containerId: string,
): readonly Step[] => {
  let isIts = false;
  return facts.flatMap(({ event, commit, sequence }): Step[] => {
    if (!('instanceId' in event.data) || event.data.instanceId !== instanceId) return [];
    if (event.type === 'InstanceStarted') isIts = event.data.containerId === containerId;
    if (event.type !== 'InstanceSignalled' || !isIts) return [];
    const { signal, graceSeconds, at } = event.data;
    const text = graceSeconds === null ? 'sent' : `sent, ${graceSeconds} s to end`;
    const who = { actor: commit.actor.name, reason: null };
    return [{ kind: 'signal', id: signal, text, state: null, ...who, time: at, sequence }];
  });
};
