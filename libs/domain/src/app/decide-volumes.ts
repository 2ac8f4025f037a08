import type { AppEvent, Settings, VolumeBackup, VolumeDefinition } from '@shiplog/events';
import { accept, reject, type Decision } from '../decider.js';
import { releaseOf, restarted } from './generation.js';
import { isSameValue } from './resources.js';
import type { ActiveApp } from './state.js';
import {
  BACKUP_AS_IT_IS,
  isWithin,
  volumeNamed,
  volumesOf,
  type KnownVolume,
  type Volumes,
} from './volumes.js';

export const VOLUME_COUNT_MAX = 20;

/** `inUseBy`: instances that were not stopped yet and have the volume, as their own streams say. */
export type VolumeCommand =
  | ({
      type: 'AddVolume';
      volumeId: string;
      name: string;
      baseVersion: number | null;
    } & VolumeDefinition)
  | {
      type: 'ChangeVolume';
      name: string;
      changes: Partial<VolumeDefinition>;
      baseVersion: number | null;
      inUseBy: readonly string[];
    }
  | { type: 'ChangeVolumeBackup'; name: string; changes: Partial<VolumeBackup> }
  /** `isMissing`: the engine does not have it any more. */
  | { type: 'RecreateVolume'; name: string; confirm: string; isMissing: boolean }
  | { type: 'RemoveVolume'; name: string; confirm: string; inUseBy: readonly string[] };

export type VolumeRejection =
  | { code: 'volume-not-found'; name: string; known: readonly string[] }
  | { code: 'volume-name-taken'; name: string }
  /** `by`: the path it has in common with this one, and whose that is. */
  | { code: 'volume-path-taken'; path: string; by: string }
  | { code: 'too-many-volumes'; limit: number }
  | { code: 'volume-exclusive'; name: string; processType: string; requested: number }
  | { code: 'volume-exclusive-to-one'; name: string; processes: readonly string[] }
  | { code: 'volume-in-use'; name: string; by: readonly string[] }
  | { code: 'volume-not-missing'; name: string }
  | { code: 'process-type-unknown'; processType: string; known: readonly string[] }
  | { code: 'confirmation-mismatch'; expected: string; what?: 'volume' };

type VolumeDecision = Decision<AppEvent, VolumeRejection>;
type CommandOf<T extends VolumeCommand['type']> = Extract<VolumeCommand, { type: T }>;

export const decideVolume = (command: VolumeCommand, state: ActiveApp): VolumeDecision => {
  if (command.type === 'AddVolume') return addVolume(command, state);
  const volume = volumeNamed(state.volumes, command.name);
  if (volume === undefined) {
    const known = Object.keys(state.volumes);
    return reject({ code: 'volume-not-found', name: command.name, known });
  }
  switch (command.type) {
    case 'ChangeVolume':
      return changeVolume(command, volume, state);
    case 'ChangeVolumeBackup':
      return changeVolumeBackup(command, volume, state);
    case 'RecreateVolume':
      return recreateVolume(command, volume, state);
    case 'RemoveVolume':
      return removeVolume(command, volume, state);
  }
};

const addVolume = (
  { type: _, baseVersion, ...volume }: CommandOf<'AddVolume'>,
  state: ActiveApp,
): VolumeDecision => {
  const known = volumeNamed(state.volumes, volume.name);
  // The id is derived from the request: the same id is the same request once more.
  if (known?.volumeId === volume.volumeId) return accept();
  if (known !== undefined) return reject({ code: 'volume-name-taken', name: volume.name });
  if (Object.keys(state.volumes).length >= VOLUME_COUNT_MAX) {
    return reject({ code: 'too-many-volumes', limit: VOLUME_COUNT_MAX });
  }
  const fault = faultOf(volume, state);
  if (fault !== null) return reject(fault);
  const data = { appId: state.appId, ...volume, processes: [...volume.processes] };
  return accept(
    { type: 'VolumeAdded', v: 1, data },
    ...replacing(state, volume.processes, baseVersion),
  );
};

const changeVolume = (
  { changes, baseVersion, inUseBy }: CommandOf<'ChangeVolume'>,
  volume: KnownVolume,
  state: ActiveApp,
): VolumeDecision => {
  const { incarnation: _, backup: _backup, ...next } = { ...volume, ...changes };
  const has = (field: keyof VolumeDefinition): boolean => !isSameValue(volume[field], next[field]);
  if (!has('path') && !has('processes') && !has('shared') && !has('sizeBytes')) return accept();
  const fault = faultOf(next, state);
  if (fault !== null) return reject(fault);
  // Who has it now was started under the old rule: both at once could be two with an exclusive one.
  const isHandedOver = has('shared') || has('processes');
  const by = isHandedOver ? usersOf(volume, state, inUseBy) : [];
  if (by.length > 0) return reject({ code: 'volume-in-use', name: volume.name, by });
  const data = { appId: state.appId, ...next, processes: [...next.processes] };
  const isReplacing = has('path') || has('processes');
  return accept(
    { type: 'VolumeChanged', v: 1, data },
    ...(isReplacing ? replacing(state, [...volume.processes, ...next.processes], baseVersion) : []),
  );
};

/** Nothing that runs is touched. */
const changeVolumeBackup = (
  { changes }: CommandOf<'ChangeVolumeBackup'>,
  { volumeId, name, backup = BACKUP_AS_IT_IS }: KnownVolume,
  { appId }: ActiveApp,
): VolumeDecision => {
  const next = { ...backup, ...changes };
  if (isSameValue(backup, next)) return accept();
  return accept({ type: 'VolumeBackupChanged', v: 1, data: { appId, volumeId, name, ...next } });
};

const recreateVolume = (
  { confirm, isMissing }: CommandOf<'RecreateVolume'>,
  { name, volumeId, incarnation }: KnownVolume,
  { appId }: ActiveApp,
): VolumeDecision => {
  if (confirm !== name) {
    return reject({ code: 'confirmation-mismatch', expected: name, what: 'volume' });
  }
  if (!isMissing) return reject({ code: 'volume-not-missing', name });
  const data = { appId, volumeId, name, incarnation: incarnation + 1 };
  return accept({ type: 'VolumeRecreated', v: 1, data });
};

const removeVolume = (
  { confirm, inUseBy }: CommandOf<'RemoveVolume'>,
  volume: KnownVolume,
  state: ActiveApp,
): VolumeDecision => {
  const { name } = volume;
  if (confirm !== name) {
    return reject({ code: 'confirmation-mismatch', expected: name, what: 'volume' });
  }
  const by = usersOf(volume, state, inUseBy);
  if (by.length > 0) return reject({ code: 'volume-in-use', name, by });
  return accept(removed(state, volume));
};

export const removed = ({ appId }: ActiveApp, { volumeId, name }: KnownVolume): AppEvent => ({
  type: 'VolumeRemoved',
  v: 1,
  data: { appId, volumeId, name },
});

/** Instances that have it, and process types of which some are wanted, whether they run yet or not. */
const usersOf = (
  { processes }: KnownVolume,
  { formation, stopped, releases }: ActiveApp,
  inUseBy: readonly string[],
): readonly string[] => {
  const isRunning = !stopped && releases.length > 0;
  const wanted = processes.flatMap((type) => {
    const count = Object.hasOwn(formation, type) ? (formation[type] ?? 0) : 0;
    return isRunning && count > 0 ? `${type}=${count}` : [];
  });
  return [...wanted, ...inUseBy];
};

type Declared = Omit<KnownVolume, 'incarnation' | 'backup'>;

const faultOf = (volume: Declared, state: ActiveApp): VolumeRejection | null => {
  const { name, path, processes, shared } = volume;
  const known = Object.keys(state.formation);
  const unknown = processes.find((type) => !known.includes(type));
  if (unknown !== undefined && state.releases.length > 0) {
    return { code: 'process-type-unknown', processType: unknown, known };
  }
  const by = pathTakenBy(volume, state);
  if (by !== null) return { code: 'volume-path-taken', path, by };
  if (shared) return null;
  if (processes.length > 1) return { code: 'volume-exclusive-to-one', name, processes };
  for (const processType of processes) {
    const requested = Object.hasOwn(state.formation, processType)
      ? (state.formation[processType] ?? 0)
      : 0;
    if (requested > 1) return { code: 'volume-exclusive', name, processType, requested };
  }
  return null;
};

/** Neither on nor within nor around another place of the same container. */
const pathTakenBy = ({ name, path }: Declared, { volumes, settings }: ActiveApp): string | null => {
  const overlaps = (other: string): boolean => isWithin(path, other) || isWithin(other, path);
  const volume = Object.values(volumes).find((one) => one.name !== name && overlaps(one.path));
  if (volume !== undefined) return `${volume.path} of volume ${volume.name}`;
  const tmpfs = settings.tmpfs.find((one) => overlaps(one.path));
  return tmpfs === undefined ? null : `${tmpfs.path}, a tmpfs`;
};

/** A tmpfs on a volume would hide what is in it. */
export const tmpfsFault = (tmpfs: Settings['tmpfs'], volumes: Volumes): VolumeRejection | null => {
  for (const { path } of tmpfs) {
    const volume = Object.values(volumes).find(
      (one) => isWithin(path, one.path) || isWithin(one.path, path),
    );
    if (volume !== undefined) {
      return { code: 'volume-path-taken', path, by: `${volume.path} of volume ${volume.name}` };
    }
  }
  return null;
};

/** A running container cannot be given a volume: instances of the process types are replaced. */
const replacing = (
  state: ActiveApp,
  processes: readonly string[],
  baseVersion: number | null,
): AppEvent[] => {
  const base = releaseOf(state, baseVersion);
  const isRunning = processes.some((type) => (state.formation[type] ?? 0) > 0);
  return base === undefined || !isRunning ? [] : [restarted(state, base.version)];
};

export const exclusiveFault = (
  state: ActiveApp,
  processType: string,
  requested: number,
): VolumeRejection | null => {
  const volume = volumesOf(state, processType).find(({ shared }) => !shared);
  return volume === undefined || requested <= 1
    ? null
    : { code: 'volume-exclusive', name: volume.name, processType, requested };
};
