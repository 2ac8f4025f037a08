import { domainKey, domainValue } from './domains.js';
import { LineFile } from './line-file.js';
import { STATE_FILE_HEADER, type HaproxyState } from './state.js';
import type { RouterPaths } from '../routes/router-paths.js';

type Lines = ReadonlyMap<string, string>;

/**
 * In the order in which they are written: servers before the domains that lead to them. A crash between the files leaves a
 * host without server (503), never one of another app.
 */
const LINES_OF = {
  serverState: ({ servers }: HaproxyState): Lines =>
    new Map([...servers].map(([key, { line }]) => [key, line])),
  owners: ({ owners }: HaproxyState) => mapLines(owners),
  matches: ({ matches }: HaproxyState) => mapLines(matches),
  picks: ({ picks }: HaproxyState) => mapLines(picks),
  networks: ({ networks }: HaproxyState) => mapLines(networks),
  clients: ({ clients }: HaproxyState) => mapLines(clients),
  sessions: ({ sessions }: HaproxyState) => mapLines(sessions),
  policies: ({ policies }: HaproxyState) => mapLines(policies),
  allowed: ({ allowed }: HaproxyState) => mapLines(allowed),
  notices: ({ notices }: HaproxyState) => mapLines(notices),
  domains: ({ hosts, uses }: HaproxyState) =>
    mapLines(
      [...hosts].map(([domain, backend]) => [
        domainKey(domain),
        domainValue(backend, domain, uses.get(domain)),
      ]),
    ),
} as const satisfies Record<string, (state: HaproxyState) => Lines>;
const NAMES = Object.keys(LINES_OF) as (keyof typeof LINES_OF)[];

const mapLines = (entries: Iterable<readonly [string, string]>): Lines =>
  new Map([...entries].map(([key, value]) => [key, `${key} ${value}`]));

/** Today's routes, for a proxy that is started without us. */
export class StateFiles {
  private readonly files: Readonly<Record<(typeof NAMES)[number], LineFile>>;

  constructor(paths: RouterPaths) {
    this.files = Object.fromEntries(
      NAMES.map((name) => [
        name,
        new LineFile(paths[name], name === 'serverState' ? STATE_FILE_HEADER : ''),
      ]),
    ) as Record<(typeof NAMES)[number], LineFile>;
  }

  /** All of it. */
  async write(state: HaproxyState): Promise<void> {
    for (const name of NAMES) await this.files[name].write(LINES_OF[name](state));
  }

  /**
   * What is there now of some apps in place of what was there before. False where that is not enough: `write` has to
   * follow.
   */
  async change(before: HaproxyState, after: HaproxyState): Promise<boolean> {
    for (const name of NAMES) {
      const lines = LINES_OF[name];
      if (!(await this.files[name].change(difference(lines(before), lines(after))))) return false;
    }
    return true;
  }
}

const difference = (before: Lines, after: Lines): ReadonlyMap<string, string | null> =>
  new Map<string, string | null>([
    ...[...after].filter(([key, line]) => before.get(key) !== line),
    ...[...before.keys()].flatMap((key) => (after.has(key) ? [] : [[key, null] as const])),
  ]);
