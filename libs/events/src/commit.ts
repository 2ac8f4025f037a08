import { z } from 'zod';
import type { Position } from './sequence.js';
import type { Aggregate, DomainEventUnion, EventsByAggregate, StreamName } from './registry.js';
import { actor, origin, type Actor, type Origin } from './who.js';

/** Of the envelope. */
export const COMMIT_VERSION = 1;

/**
 * What is stored as one message: the events of one command on one aggregate, all or none.
 * Its bytes are canonical JSON (RFC 8785); their SHA-256 travels beside them. The log position is
 * not in it, so that a commit moves between logs unchanged.
 */
export interface Commit<E = DomainEventUnion> {
  /** Envelope version. */
  readonly v: 1;
  /** UUIDv7; also the message id. */
  readonly id: string;
  /** Hash of actor and Idempotency-Key, or null where the caller gave none. */
  readonly command: { readonly id: string; readonly digest: string } | null;
  readonly stream: StreamName;
  /** Versions of the aggregate before and after: `to - from` events. */
  readonly from: number;
  readonly to: number;
  /** SHA-256 of the previous commit of this aggregate; null at its first. */
  readonly previousHash: string | null;
  readonly actor: Actor;
  readonly origin: Origin | null;
  /** Why, in the words of who asked (`-m`). */
  readonly reason: string | null;
  /** The same for everything that one request caused. */
  readonly correlation: string;
  /** Commit id of what caused this one. */
  readonly causation: string | null;
  /** ISO 8601, UTC, milliseconds. */
  readonly time: string;
  readonly events: readonly E[];
}

export type CommitOf<A extends Aggregate> = Commit<EventsByAggregate[A]>;

/** Bigger commits are refused before they are sent (default `max_payload` of NATS is 1 MiB). */
export const COMMIT_BYTES_MAX = 900 * 1024;

/** Envelope as found in storage, before its events are brought to today's shape. */
export const storedCommit = z.object({
  v: z.literal(COMMIT_VERSION),
  id: z.string(),
  command: z.object({ id: z.string(), digest: z.string() }).nullable(),
  stream: z.string().regex(/^[a-z]+\.[A-Za-z0-9_-]{1,64}$/),
  from: z.number().int().nonnegative(),
  to: z.number().int().positive(),
  previousHash: z.string().nullable(),
  actor,
  origin: origin.nullable(),
  reason: z.string().nullable(),
  correlation: z.string(),
  causation: z.string().nullable(),
  time: z.string(),
  events: z.array(z.object({ type: z.string(), v: z.number(), data: z.unknown() })).min(1),
});

/**
 * The end of one stream, for optimistic concurrency. Opaque: compare for equality only. Revisions of
 * one stream have gaps, because the log numbers all streams together.
 */
export type Revision = string;

/** The stream has no commit yet. */
export const EMPTY: Revision = '0'.repeat(20);

/** One commit where it lies in the log. */
export interface RecordedCommit {
  readonly position: Position;
  /** Revision of its stream after this commit. */
  readonly revision: Revision;
  /** SHA-256 of exactly the stored bytes, hexadecimal. */
  readonly hash: string;
  readonly commit: Commit;
}
