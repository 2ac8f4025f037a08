import type { DomainEventUnion, RecordedCommit } from '@shiplog/events';

type EventType = DomainEventUnion['type'];

/** What they change is not of one app alone: who has a domain or a port, and who exists. */
const OF_ALL: ReadonlySet<EventType> = new Set([
  'AppCreated',
  'AppDestroyed',
  'DomainAdded',
  'DomainUseChanged',
  'DomainRemoved',
  'DomainLookedUp',
  'DomainReleased',
  'PortAdded',
  'PortRemoved',
]);

/** Events that change what should be routed. A round for nothing would only delay the next one. */
const NUDGES: ReadonlySet<EventType> = new Set([
  ...OF_ALL,
  'AppStopped',
  'AppStarted',
  'TrafficPolicyChanged',
  'MaintenanceChanged',
  'BasicAuthChanged',
  'InstanceScheduled',
  'CertificateInstalled',
  'CertificateRemoved',
  'HttpsPolicyChanged',
  'InstanceReady',
  'InstanceUnready',
  'InstanceExited',
  'InstanceRetired',
  'InstanceStopped',
  'RolloutStarted',
  'RolloutStepped',
  'RolloutCompleted',
  'RolloutFailed',
  'RolloutCancelled',
]);

/** Apps of which the log told something since somebody asked last. */
export class ChangedApps {
  private apps = new Set<string>();
  private isAll = false;

  /** True when a round should begin. */
  note(batch: readonly RecordedCommit[]): boolean {
    const events = batch.flatMap(({ commit }) => commit.events);
    for (const event of events) {
      if (OF_ALL.has(event.type)) this.isAll = true;
      // Whatever it is: a look at one app is cheap.
      else if ('appId' in event.data && event.data.appId !== null) this.apps.add(event.data.appId);
    }
    return events.some(({ type }) => NUDGES.has(type));
  }

  take(): ReadonlySet<string> | 'all' {
    const changed = this.isAll ? 'all' : this.apps;
    this.apps = new Set();
    this.isAll = false;
    return changed;
  }
}
