import { aggregateOf, idOf, toSequence, type RecordedCommit } from '@shiplog/events';
import type { z } from 'zod';
import type { cloudEvent } from './events.routes.js';

type CloudEvent = z.infer<typeof cloudEvent>;
type DomainEvent = RecordedCommit['commit']['events'][number];

/** The events of one commit as CloudEvents 1.0, in order. */
export const toCloudEvents = (record: RecordedCommit, platform: string): CloudEvent[] => {
  const { commit, position } = record;
  return commit.events.map((event, index) => ({
    specversion: '1.0',
    id: `${commit.id}:${index}`,
    source: `/platforms/${platform}`,
    type: event.type,
    subject: `${aggregateOf(commit.stream)}/${idOf(commit.stream)}`,
    time: commit.time,
    datacontenttype: 'application/json',
    sequence: toSequence(position, index),
    actor: commit.actor.name,
    actorkind: commit.actor.kind,
    // An attribute of a CloudEvent is never null: what there is not is left out.
    ...(commit.reason === null ? {} : { reason: commit.reason }),
    correlation: commit.correlation,
    ...(commit.causation === null ? {} : { causation: commit.causation }),
    data: dataOf(event),
  }));
};

/** `shiplog audit` opens it for those who may see it. */
const withoutOrigin = <T extends { readonly origin: unknown }>({
  origin: _origin,
  ...shown
}: T): Omit<T, 'origin'> => shown;

/** Encrypted values and token hashes are of no use to a reader and stay inside. */
const dataOf = (event: DomainEvent): Record<string, unknown> => {
  if (event.type === 'ConfigChanged' || event.type === 'BasicAuthChanged') {
    const set = Object.keys(event.data.set).map((key) => [key, '(encrypted)']);
    return { ...event.data, set: Object.fromEntries(set) };
  }
  if (event.type === 'TokenCreated') {
    const { hash: _hash, ...data } = event.data;
    return data;
  }
  if (event.type === 'CommandsRefused') {
    return { ...event.data, refusals: event.data.refusals.map(withoutOrigin) };
  }
  if (event.type === 'SecretsRead') {
    return { ...event.data, reads: event.data.reads.map(withoutOrigin) };
  }
  if (event.type === 'OperationsDone') {
    return { ...event.data, operations: event.data.operations.map(withoutOrigin) };
  }
  return { ...event.data };
};
