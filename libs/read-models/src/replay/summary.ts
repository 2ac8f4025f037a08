import type { AppDocument } from '../documents.js';
import type { ReplayDocuments } from './facts.js';

/** One app at one moment, in one line. */
export interface AppSummary {
  readonly name: string;
  readonly stopped: boolean;
  /** The release that serves. */
  readonly release: number | null;
  readonly releases: number;
  readonly formation: Readonly<Record<string, number>>;
  readonly configKeys: number;
  readonly domains: readonly string[];
  readonly instances: number;
  readonly routed: number;
}

/** The active apps of these documents, by name. */
export const summaryOf = (
  { apps, releases, instances, routers }: ReplayDocuments,
  isWanted: (app: AppDocument) => boolean,
): readonly AppSummary[] => {
  const routed = new Set(routers.flatMap((router) => router.routed));
  const running = groupedByApp(instances.filter(({ state }) => state !== 'stopped'));
  const released = groupedByApp(releases);
  return apps
    .filter((app) => app.status === 'active' && isWanted(app))
    .map((app) => {
      const own = running.get(app.appId) ?? [];
      return {
        name: app.name,
        stopped: app.stopped,
        release: app.liveVersion,
        releases: released.get(app.appId)?.length ?? 0,
        formation: app.formation,
        configKeys: Object.keys(app.config).length,
        domains: app.domains,
        instances: own.length,
        routed: own.filter(({ id }) => routed.has(id)).length,
      };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
};

const groupedByApp = <T extends { readonly appId: string }>(
  all: readonly T[],
): ReadonlyMap<string, readonly T[]> => {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(one.appId);
    if (group === undefined) groups.set(one.appId, [one]);
    else group.push(one);
  }
  return groups;
};
