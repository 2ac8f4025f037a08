/** Brings the data of one event type from version `v` to `v + 1`. */
export type Upcaster = (data: unknown) => unknown;

/**
 * Keyed `<type>.<from version>`: one for every version that was ever released and is not today's.
 */
export const upcasters: Readonly<Record<string, Upcaster>> = {
  /** More settings, each of which may be absent. */
  'SettingsChanged.1': (data) => data,
  'SettingsChanged.2': (data) => data,
  'SettingsChanged.3': (data) => data,
  /** Instances spoke HTTP/1.1. */
  'InstanceScheduled.1': (data) => ({ ...(data as object), protocol: 'http' }),
  /** A domain was a host, and its app answered there. */
  'DomainAdded.1': (data) => ({ ...(data as object), use: { kind: 'serve', strip: false } }),
  'DomainRemoved.1': (data) => data,
  'DomainReserved.1': (data) => data,
  'DomainReleased.1': (data) => data,
  /** A canary had shares and nothing else. */
  'RolloutStrategySet.1': (data) => data,
  /** No backup had what is in volumes. */
  'BackupSucceeded.1': (data) => ({ ...(data as object), volumes: [] }),
};
