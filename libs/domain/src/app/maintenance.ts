import type { AppEvent, Maintenance } from '@shiplog/events';
import { accept, type Decision } from '../decider.js';

export type MaintenanceCommand =
  ({ type: 'BeginMaintenance' } & Maintenance) | { type: 'EndMaintenance' };

interface Maintained {
  readonly appId: string;
  readonly maintenance?: Maintenance | undefined;
}

/** Whoever says the same again changes nothing, not even since when it is so. */
export const decideMaintenance = (
  command: MaintenanceCommand,
  { appId, maintenance: before }: Maintained,
): Decision<AppEvent, never> => {
  if (command.type === 'EndMaintenance') {
    return before === undefined ? accept() : accept(changed(appId, null));
  }
  const { type: _type, ...maintenance } = command;
  return isSame(maintenance, before) ? accept() : accept(changed(appId, maintenance));
};

const changed = (appId: string, maintenance: Maintenance | null): AppEvent => ({
  type: 'MaintenanceChanged',
  v: 1,
  data: { appId, maintenance },
});

const isSame = (a: Maintenance, b: Maintenance | undefined): boolean =>
  a.why === b?.why && a.page === b.page && a.allow.join() === b.allow.join();
