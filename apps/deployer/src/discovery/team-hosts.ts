import type { ActiveApp, KnownInstance } from '@shiplog/domain';
import { ROUTED_PROCESS } from '../containers/serving.js';

/** Names of instances end in it; the IANA keeps it for private use. */
export const INTERNAL_DOMAIN = 'internal';

/** What an app's own team calls it. */
export const internalName = (appName: string): string => `${appName}.${INTERNAL_DOMAIN}`;

/**
 * The lines of a hosts file for one app: `<process>.<app>.internal` for the ready instances of each
 * process, and `<app>.internal` for those of `web`, or of all where the app has no `web`.
 */
export const hostLines = (app: ActiveApp, instances: readonly KnownInstance[]): string => {
  const hasWeb = app.releases.some(({ processes }) => ROUTED_PROCESS in processes);
  return instances
    .flatMap(({ status, address, process }) => {
      if (status !== 'ready' || address == null) return [];
      const name = internalName(app.name);
      const isApp = !hasWeb || process === ROUTED_PROCESS;
      return `${address} ${process}.${name}${isApp ? ` ${name}` : ''}\n`;
    })
    .toSorted()
    .join('');
};

/** Nothing goes, and whoever asks for a name of what comes gets an answer now, too. */
export const addsToWhatIsThere = (before: string, now: string): boolean => {
  const there = new Set(linesIn(before));
  const names = new Set([...there].map(namesIn));
  const after = new Set(linesIn(now));
  return (
    [...there].every((line) => after.has(line)) &&
    [...after].every((line) => names.has(namesIn(line)))
  );
};

const linesIn = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');
const namesIn = (line: string): string => line.slice(line.indexOf(' '));

/** The hosts file of every team, kept up to date app by app: a change costs what its app has, and one join. */
export class TeamHosts {
  private readonly teams = new Map<string, Map<string, string>>();
  private readonly teamOf = new Map<string, string>();

  /** Returns the team whose file differs now, if one does. */
  set(appId: string, teamId: string, lines: string): string | undefined {
    this.teamOf.set(appId, teamId);
    const apps = this.teams.get(teamId) ?? new Map<string, string>();
    if ((apps.get(appId) ?? '') === lines) return undefined;
    this.teams.set(teamId, apps.set(appId, lines));
    return teamId;
  }

  linesOf(appId: string): string {
    return this.teams.get(this.teamOf.get(appId) ?? '')?.get(appId) ?? '';
  }

  /** The app is gone. */
  delete(appId: string): string | undefined {
    const teamId = this.teamOf.get(appId);
    this.teamOf.delete(appId);
    return teamId !== undefined && this.teams.get(teamId)?.delete(appId) ? teamId : undefined;
  }

  /** Of the whole team; undefined where none of its instances can be reached by name. */
  textOf(teamId: string): string | undefined {
    const lines = [...(this.teams.get(teamId)?.values() ?? [])];
    const text = lines.join('');
    return text === '' ? undefined : text;
  }

  teamIds(): readonly string[] {
    return [...this.teams.keys()];
  }
}
