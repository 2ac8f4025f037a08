import type { z } from 'zod';
import { schemaByAggregate, type DomainEventUnion } from './registry.js';

export interface EventType {
  readonly type: DomainEventUnion['type'];
  /** The version that is written today. */
  readonly v: number;
}

type EventSchema = z.ZodObject<{ type: z.ZodLiteral<EventType['type']>; v: z.ZodLiteral<number> }>;

/** Every event type of the registry with its current version, as the schemas have it. */
export const eventTypes = (): readonly EventType[] =>
  Object.values(schemaByAggregate).flatMap((union) =>
    (union.options as unknown as readonly EventSchema[]).map(({ shape }) => ({
      type: shape.type.value,
      v: shape.v.value,
    })),
  );
