import { PLATFORM_FREEZES, type FreezeState, type FrozenBy } from '@shiplog/domain';
import type { Freeze } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import type { Position } from '@shiplog/events';
import { foldEvents, type World } from '@shiplog/domain';
import { nextSpan, openSpan, ScheduleError, type Span } from '@shiplog/schedule';

/** A freeze window with its name, and whose it is. */
export interface NamedFreeze extends Freeze {
  readonly freeze: string;
  readonly ofPlatform: boolean;
}

/** The windows that count for an app: those of the platform, then its own. */
export const freezesOf = (world: Pick<World, 'get'>, appId: string): readonly NamedFreeze[] => [
  ...named(world.get('freeze', PLATFORM_FREEZES).state, true),
  ...named(world.get('freeze', appId).state, false),
];

/** The same as the log had it at a position. A stream of windows is short: it is read as a whole. */
export const freezesAt = async (
  log: Pick<EventLog, 'read' | 'compare'>,
  id: string,
  position: Position,
): Promise<readonly NamedFreeze[]> => {
  const records = await log.read(`freeze.${id}`);
  const events = records
    .filter((record) => log.compare(record.position, position) <= 0)
    .flatMap<unknown>(({ commit }) => commit.events);
  const state = foldEvents('freeze', { status: 'known', freezes: {} }, events);
  return named(state, id === PLATFORM_FREEZES);
};

const named = ({ freezes }: FreezeState, ofPlatform: boolean): readonly NamedFreeze[] =>
  Object.entries(freezes).map(([freeze, one]) => ({ freeze, ofPlatform, ...one }));

/** Those that are open, the one that lasts longest first. */
export const openFreezes = (freezes: readonly NamedFreeze[], atMs: number): readonly FrozenBy[] =>
  freezes
    .flatMap(({ freeze, ofPlatform, why, ...one }) => {
      const span = spanOf(one, (window, zone) => openSpan(window, zone, atMs));
      return span === null ? [] : [{ freeze, ofPlatform, why, until: isoOf(span.untilMs) }];
    })
    .toSorted((a, b) => (a.until < b.until ? 1 : -1));

export interface ComingFreeze extends FrozenBy {
  readonly from: string;
}

/** The next one that opens. */
export const nextFreeze = (freezes: readonly NamedFreeze[], atMs: number): ComingFreeze | null =>
  freezes
    .flatMap(({ freeze, ofPlatform, why, ...one }) => {
      const span = spanOf(one, (window, zone) => nextSpan(window, zone, atMs));
      if (span === null) return [];
      return [{ freeze, ofPlatform, why, from: isoOf(span.fromMs), until: isoOf(span.untilMs) }];
    })
    .toSorted((a, b) => (a.from < b.from ? -1 : 1))[0] ?? null;

/**
 * A zone or a form that this Node.js does not know although the one that accepted it did: no window of it can be
 * told, so none is open.
 */
const spanOf = (
  { window, timeZone }: Freeze | Omit<Freeze, 'why'>,
  tell: (window: Freeze['window'], timeZone: string) => Span | null,
): Span | null => {
  try {
    return tell(window, timeZone);
  } catch (error) {
    if (error instanceof ScheduleError) return null;
    throw error;
  }
};

const isoOf = (ms: number): string => new Date(ms).toISOString();
