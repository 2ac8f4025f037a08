import type { AppEvent, VolumeBackup, VolumeDefinition } from '@shiplog/events';

/** A volume of an app as it is declared. */
export interface KnownVolume extends VolumeDefinition {
  readonly volumeId: string;
  readonly name: string;
  /** 1 for the first; one more each time that it is made anew because it was lost. */
  readonly incarnation: number;
  /** Undefined until somebody said how: as `BACKUP_AS_IT_IS`. */
  readonly backup?: VolumeBackup;
}

/** The content is in every backup, without a word to the program that writes it. */
export const BACKUP_AS_IT_IS: VolumeBackup = { excluded: false, hook: null };

/** By name. */
export type Volumes = Readonly<Record<string, KnownVolume>>;

export type VolumeEventOfApp = Extract<
  AppEvent,
  {
    type:
      'VolumeAdded' | 'VolumeChanged' | 'VolumeBackupChanged' | 'VolumeRecreated' | 'VolumeRemoved';
  }
>;

export const evolveVolumes = (volumes: Volumes, event: VolumeEventOfApp): Volumes => {
  const { name } = event.data;
  const known = volumeNamed(volumes, name);
  switch (event.type) {
    case 'VolumeAdded': {
      const { appId: _, ...volume } = event.data;
      return withVolume(volumes, { ...volume, incarnation: 1 });
    }
    case 'VolumeChanged': {
      const { appId: _, ...volume } = event.data;
      return known === undefined ? volumes : withVolume(volumes, { ...known, ...volume });
    }
    case 'VolumeBackupChanged': {
      const { excluded, hook } = event.data;
      return known === undefined
        ? volumes
        : withVolume(volumes, { ...known, backup: { excluded, hook } });
    }
    case 'VolumeRecreated': {
      const { incarnation } = event.data;
      return known === undefined ? volumes : withVolume(volumes, { ...known, incarnation });
    }
    case 'VolumeRemoved':
      return Object.fromEntries(Object.entries(volumes).filter(([other]) => other !== name));
  }
};

const withVolume = (volumes: Volumes, volume: KnownVolume): Volumes =>
  Object.fromEntries(
    Object.entries({ ...volumes, [volume.name]: volume }).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );

/** `constructor` is found in every object; names come from users. */
export const volumeNamed = (volumes: Volumes, name: string): KnownVolume | undefined =>
  Object.hasOwn(volumes, name) ? volumes[name] : undefined;

interface WithVolumes {
  readonly volumes: Volumes;
}

/** What instances of a process type have. */
export const volumesOf = ({ volumes }: WithVolumes, process: string): readonly KnownVolume[] =>
  Object.values(volumes).filter(({ processes }) => processes.includes(process));

/** The volume for whose sake no two instances of a process type may run at the same time. */
export const exclusiveVolumeOf = (app: WithVolumes, process: string): KnownVolume | undefined =>
  volumesOf(app, process).find(({ shared }) => !shared);

/** Process types of which no two instances may run: by the setting, or because of a volume. */
export const runningOnceOf = ({
  settings,
  volumes,
}: WithVolumes & { readonly settings: { readonly stopFirst: readonly string[] } }): string[] => [
  ...new Set([
    ...settings.stopFirst,
    ...Object.values(volumes).flatMap(({ shared, processes }) => (shared ? [] : processes)),
  ]),
];

/** Is one path the other one, or within it? */
export const isWithin = (path: string, other: string): boolean =>
  path === other || path.startsWith(`${other}/`);
