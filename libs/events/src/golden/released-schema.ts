import { z } from 'zod';
import { storedCommit } from '../commit.js';
import { eventSchemaOf } from '../event-types.js';
import type { DomainEventUnion } from '../registry.js';

/** What an event of today's version may hold, as JSON Schema: two schemas that are equal take the same data. */
export const releasedSchemaOf = (type: DomainEventUnion['type']): unknown => {
  const schema = eventSchemaOf(type)?.shape.data;
  if (schema === undefined) throw new Error(`there is no event ${type}`);
  return plain(schema);
};

export const releasedEnvelope = (): unknown => plain(storedCommit);

// Through text: a schema says `undefined` where JSON says nothing.
const plain = (schema: z.ZodType): unknown => JSON.parse(JSON.stringify(z.toJSONSchema(schema)));
