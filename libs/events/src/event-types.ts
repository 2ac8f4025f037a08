import type { z } from 'zod';
import { schemaByAggregate, type DomainEventUnion } from './registry.js';

export interface EventType {
  readonly type: DomainEventUnion['type'];
  /** The version that is written today. */
  readonly v: number;
}

type EventSchema = z.ZodObject<{
  type: z.ZodLiteral<EventType['type']>;
  v: z.ZodLiteral<number>;
  data: z.ZodType;
}>;

const schemas = new Map<string, EventSchema>(
  Object.values(schemaByAggregate).flatMap((union) =>
    (union.options as unknown as readonly EventSchema[]).map(
      (schema) => [schema.shape.type.value, schema] as const,
    ),
  ),
);

/** Every event type of the registry with its current version, as the schemas have it. */
export const eventTypes = (): readonly EventType[] =>
  [...schemas.values()].map(({ shape }) => ({ type: shape.type.value, v: shape.v.value }));

/** Today's schema of one event type; undefined where there is none of this name. */
export const eventSchemaOf = (type: string): EventSchema | undefined => schemas.get(type);
