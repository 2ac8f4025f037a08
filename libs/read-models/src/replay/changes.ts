import { toSequence, type RecordedCommit, type Sequence, type StreamName } from '@shiplog/events';
import type { Fact, FactKind, Facts } from './facts.js';
import { aroundOf, touchesOf } from './touches.js';

/** Who did it, when and why; all null where no commit between the moments says so. */
interface Cause {
  readonly sequence: Sequence | null;
  readonly time: string | null;
  readonly by: string | null;
  /** The person whose request a process carried out. */
  readonly for: string | null;
  readonly reason: string | null;
}

/** What is not as it was. Values are told except where nobody may see them. */
export interface Change extends Cause {
  readonly change: 'added' | 'removed' | 'changed';
  readonly kind: FactKind;
  readonly appId: string | null;
  readonly app: string | null;
  readonly name: string;
  readonly from: string | null;
  readonly to: string | null;
}

const UNKNOWN: Cause = { sequence: null, time: null, by: null, for: null, reason: null };

interface Pair {
  readonly key: string;
  readonly before: Fact | undefined;
  readonly after: Fact | undefined;
}

/**
 * What lies between two states, with the commits that made it so. Give it the commits between them, in
 * order; it keeps only those that made a change that is there.
 */
export class ChangesBetween {
  private readonly pairs: readonly Pair[];
  private readonly wanted: ReadonlySet<string>;
  /** New releases are told with who made them, not with who carried them out. */
  private readonly made: ReadonlySet<string>;
  private readonly causes = new Map<string, Cause>();
  /** Of these, what processes carry out is told with who wanted it. */
  private readonly streams: ReadonlySet<StreamName>;
  /** Who began what the commits after it carry out, by correlation. */
  private readonly asked = new Map<string, Pick<Cause, 'by' | 'reason'>>();

  constructor(before: Facts, after: Facts) {
    const keys = [...new Set([...before.keys(), ...after.keys()])];
    this.pairs = keys
      .map((key) => ({ key, before: before.get(key), after: after.get(key) }))
      .filter((pair) => isNews(pair, before, after));
    this.made = new Set(
      this.pairs
        .filter(({ before, after: fact }) => before === undefined && isPlainRelease(fact))
        .map(({ key }) => key),
    );
    this.streams = new Set(
      this.pairs.flatMap(({ before: was, after: is }): StreamName[] => {
        const appId = (is ?? was)?.appId ?? null;
        return appId === null ? [] : [`app.${appId}`];
      }),
    );
    this.wanted = new Set(this.pairs.flatMap(({ key }) => [key, aroundOf(key) ?? key]));
  }

  add({ position, commit }: RecordedCommit): void {
    const { actor, reason, correlation, time } = commit;
    const asked = this.asked.get(correlation);
    if (actor.kind === 'user' && asked === undefined && this.streams.has(commit.stream)) {
      this.asked.set(correlation, { by: actor.name, reason });
    }
    const isOwn = actor.kind === 'user' || asked === undefined;
    commit.events.forEach((event, index) => {
      for (const key of touchesOf(event)) {
        if (!this.wanted.has(key) || (this.made.has(key) && this.causes.has(key))) continue;
        this.causes.set(key, {
          sequence: toSequence(position, index),
          time,
          by: actor.name,
          for: isOwn ? null : asked.by,
          reason: reason ?? (isOwn ? null : asked.reason),
        });
      }
    });
  }

  /** In the order in which they came to be so. */
  changes(): readonly Change[] {
    return this.pairs
      .map((pair) => ({ key: pair.key, change: this.changeOf(pair) }))
      .toSorted(
        (a, b) => byText(a.change.sequence ?? '', b.change.sequence ?? '') || byText(a.key, b.key),
      )
      .map(({ change }) => change);
  }

  private changeOf({ key, before, after }: Pair): Change {
    const { kind, appId, app, name, isOpen } = (after ?? before)!;
    const cause = this.causes.get(key) ?? this.causes.get(aroundOf(key) ?? key) ?? UNKNOWN;
    return {
      change: changeName(before, after),
      kind,
      appId,
      app,
      name,
      from: isOpen ? (before?.value ?? null) : null,
      to: isOpen ? (after?.value ?? null) : null,
      ...cause,
    };
  }
}

/** One that nobody has anything to say about but that it is there. */
const isPlainRelease = (fact: Fact | undefined): boolean =>
  fact?.kind === 'release' && fact.value === null;

const changeName = (before: Fact | undefined, after: Fact | undefined): Change['change'] => {
  if (before === undefined) return 'added';
  return after === undefined ? 'removed' : 'changed';
};

/** What goes with a destroyed app is told by its end; what is so by itself is no news of a new one. */
const isNews = ({ key, before, after }: Pair, all: Facts, then: Facts): boolean => {
  if (before !== undefined && after !== undefined) return before.value !== after.value;
  const owner = aroundOf(key);
  const isOfApp = owner?.startsWith('app:') === true;
  if (isOfApp && after === undefined) return then.has(owner);
  if (isOfApp && !all.has(owner) && after?.isImplied === true) return false;
  return true;
};

// Not localeCompare: the order must not depend on the machine's locale.
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
