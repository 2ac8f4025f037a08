import { START, toPosition, toSequence } from '@shiplog/events';
import { sha256 } from '@shiplog/events/log';
import { isPrefixOf, type Chain } from './chain.js';
import { parseEnvelope, scanEnvelope, type Envelope } from './envelope.js';
import { ExpectedCommits, type ExaminedCommit } from './expected-commits.js';
import { LastPlace } from './last-place.js';
import type { Finding, Kind } from './kinds.js';
import { LeafComparison } from './leaf-comparison.js';
import { StreamChains } from './stream-chains.js';

/** Somebody who holds checkpoints. */
export interface Witness {
  /** For people: what and where. */
  readonly name: string;
  /** Kept beside the log by the platform itself, or by somebody else. */
  readonly isOwn: boolean;
  readonly chain: Chain;
  /** Why it cannot say all that it should. */
  readonly problem?: string | undefined;
}

/** Somebody who remembers one commit, such as the read models: what they have folded last. */
export interface Memory {
  readonly name: string;
  readonly position: string;
  readonly hash: string;
}

export interface WitnessReport {
  readonly name: string;
  /** `agrees` as far as it reaches; `contradicts` the log or another witness; `damaged`: itself; `empty`. */
  readonly state: 'agrees' | 'contradicts' | 'damaged' | 'empty';
  /** How many commits, from the first one on, it vouches for. */
  readonly commits: number;
  readonly upTo: string | null;
  readonly problem: string | null;
}

export interface Verification {
  readonly ok: boolean;
  readonly checked: number;
  readonly firstBad: {
    readonly sequence: string;
    readonly kind: Kind;
    readonly detail: string;
  } | null;
  readonly head: string | null;
  readonly witnesses: readonly WitnessReport[];
  /** Where an operator knowingly went on with a log that had lost commits. */
  readonly resets: readonly {
    readonly checkpoint: number;
    readonly time: string;
    readonly commits: number;
  }[];
}

export interface Evidence {
  readonly witnesses: readonly Witness[];
  readonly memories?: readonly Memory[];
  /** Positions have no gaps, as in JetStream and in memory. */
  readonly isDense: boolean;
  /** The key of the first checkpoint is known: then a log that nobody signed is not that log. */
  readonly isPinned?: boolean;
}

const UNSIGNED = 'it holds no checkpoint: nothing here is signed with the pinned key';

const sequenceOf = (position: string): string => toSequence(position, 0);

/**
 * Checks a log commit by commit, in its order: bytes against their hash, their place, versions and hashes
 * of every aggregate, gaps, and every commit against every witness.
 */
export class LogVerification {
  private readonly comparisons: { readonly witness: Witness; readonly leaves: LeafComparison }[];
  private readonly chains = new StreamChains();
  private readonly findings: Finding[] = [];
  private readonly seen = new Map<string, string>();
  private readonly remembered: ReadonlySet<number>;
  private readonly last: LastPlace;
  private readonly expected: ExpectedCommits;
  private count = 0;

  constructor(private readonly evidence: Evidence) {
    const { witnesses, memories = [], isDense } = evidence;
    this.comparisons = independent(witnesses).map((witness) => ({
      witness,
      leaves: new LeafComparison(witness.chain.leaves, isDense),
    }));
    this.last = new LastPlace();
    this.remembered = new Set(memories.map(({ position }) => Number(position)));
    this.expected = new ExpectedCommits(
      this.comparisons.map(({ leaves }) => leaves),
      this.chains,
    );
  }

  get checked(): number {
    return this.count;
  }

  add(commit: ExaminedCommit): void {
    const hash = sha256(commit.bytes);
    this.count += 1;
    const next = this.last.next;
    const isOrdinary = this.evidence.isDense && !this.remembered.has(next);
    if (isOrdinary && this.expected.take(commit, hash, next)) this.last.goOn();
    else this.examine(commit, hash);
  }

  private examine(commit: ExaminedCommit, hash: string): void {
    const { position } = commit;
    const before = this.last.position;
    let isSworn = false;
    for (const { leaves } of this.comparisons)
      if (leaves.add(position, hash, before)) isSworn = true;
    this.checkPlace(position, before);
    this.checkCommit(commit, hash, isSworn);
    if (this.remembered.has(Number(position))) this.seen.set(position, hash);
    this.last.set(position);
  }

  finish(): Verification {
    const { witnesses, memories = [] } = this.evidence;
    const byWitness = new Map<Witness, Finding>();
    for (const { witness, leaves } of this.comparisons) {
      const finding = leaves.finish(this.last.position);
      if (finding !== undefined) byWitness.set(witness, this.judged(witness, finding));
    }
    const byMemory = memories.flatMap((memory) => this.recall(memory));
    const structural = this.chains.finding === undefined ? [] : [this.chains.finding];
    // Where several name the same place, who knows most about it comes first.
    const all = [...byWitness.values(), ...this.findings, ...structural, ...byMemory];
    const first = all.toSorted((a, b) =>
      a.position < b.position ? -1 : +(a.position > b.position),
    )[0];
    const reports = witnesses.map((one) => this.report(one, byWitness.get(one)));
    const isSound = reports.every(({ state }) => state === 'agrees' || state === 'empty');
    return {
      ok: first === undefined && isSound && !this.isUnsigned,
      checked: this.count,
      firstBad:
        first === undefined
          ? null
          : { sequence: sequenceOf(first.position), kind: first.kind, detail: first.detail },
      head: this.count === 0 ? null : sequenceOf(this.last.position),
      witnesses: reports,
      resets:
        this.comparisons[0]?.witness.chain.resets.map(({ number, time, reset }) => ({
          checkpoint: number,
          time,
          commits: reset?.total ?? 0,
        })) ?? [],
    };
  }

  private checkPlace(position: string, before: string): void {
    if (position <= before) {
      const detail = 'the log numbers it below the commit before it';
      this.findings.push({ position, kind: 'reordered', detail });
      return;
    }
    if (!this.evidence.isDense || Number(position) === Number(before) + 1) return;
    const next = toPosition(BigInt(before) + 1n);
    this.findings.push({ position: next, kind: 'missing', detail: 'the log has a gap there' });
  }

  private checkCommit(commit: ExaminedCommit, hash: string, isSworn: boolean): void {
    const { position, bytes, stream } = commit;
    const envelope = (isSworn ? scanEnvelope(bytes) : undefined) ?? parseEnvelope(bytes);
    const wrong = whatIsWrong(commit, hash, envelope);
    if (wrong !== undefined) this.findings.push({ position, kind: 'altered', detail: wrong });
    if (envelope !== undefined && hash === commit.hash)
      this.chains.add(envelope, { position, hash, isSworn });
    else if ((stream ?? envelope?.stream) !== undefined)
      this.chains.lose(stream ?? envelope?.stream ?? '');
  }

  /** An end that only somebody else knows to be too early is that of an older copy of everything here. */
  private judged(witness: Witness, finding: Finding): Finding {
    if (finding.kind !== 'truncated' || witness.isOwn) return finding;
    const own = this.evidence.witnesses.filter(
      (one) => one.isOwn && one.chain.newest !== undefined,
    );
    const knowsNoMore = own.every(({ chain }) => chain.leaves.count <= this.count);
    if (own.length === 0 || !knowsNoMore) return finding;
    const detail = `the log and the checkpoints beside it end before it; ${witness.name} goes on`;
    return { ...finding, kind: 'rolled back', detail };
  }

  private recall({ name, position, hash }: Memory): readonly Finding[] {
    if (position === START || this.seen.get(position) === hash) return [];
    const last = this.last.position;
    if (position > last) {
      const next = toPosition(BigInt(last) + 1n);
      const detail = `the log ends before it; ${name} have seen commits up to ${Number(position)}`;
      return [{ position: next, kind: 'truncated', detail }];
    }
    return [{ position, kind: 'forked', detail: `${name} have seen another commit there` }];
  }

  private get isUnsigned(): boolean {
    const { witnesses, isPinned = false } = this.evidence;
    return isPinned && witnesses.every(({ chain }) => chain.newest === undefined);
  }

  /** Of the witness itself, whatever it says. */
  private troubleOf({ chain, problem }: Witness): string | undefined {
    return chain.problem ?? problem ?? (this.isUnsigned ? UNSIGNED : undefined);
  }

  private report(witness: Witness, finding: Finding | undefined): WitnessReport {
    const { name, chain } = witness;
    const { newest } = chain;
    const problem = this.troubleOf(witness);
    const other = this.evidence.witnesses.find(
      (one) => !isPrefixOf(one.chain, chain) && !isPrefixOf(chain, one.chain),
    );
    const contradiction =
      finding?.detail ??
      (other === undefined ? null : `its checkpoints are not those of ${other.name}`);
    const state =
      problem !== undefined
        ? 'damaged'
        : contradiction !== null
          ? 'contradicts'
          : newest === undefined
            ? 'empty'
            : 'agrees';
    return {
      name,
      state,
      commits: newest?.total ?? 0,
      upTo: newest === undefined || newest.total === 0 ? null : sequenceOf(newest.to),
      problem: problem ?? contradiction,
    };
  }
}

/** A witness whose chain is the beginning of another one has nothing to add. */
const independent = (witnesses: readonly Witness[]): readonly Witness[] =>
  witnesses.filter(
    ({ chain }, i) =>
      chain.newest !== undefined &&
      !witnesses.some(
        (other, k) =>
          k !== i &&
          isPrefixOf(chain, other.chain) &&
          // Of two equal ones the first stays.
          (other.chain.hashes.length > chain.hashes.length || k < i),
      ),
  );

const whatIsWrong = (
  { hash, stream, id }: ExaminedCommit,
  hashOfBytes: string,
  envelope: Envelope | undefined,
): string | undefined => {
  if (hashOfBytes !== hash) return 'its bytes are not those of the hash beside them';
  if (envelope === undefined) return 'its bytes are not a commit in canonical JSON';
  if ((stream ?? envelope.stream) !== envelope.stream || (id ?? envelope.id) !== envelope.id)
    return 'it lies in the place of another stream or under another id';
  return undefined;
};
