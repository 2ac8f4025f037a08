import { z } from 'zod';

/** One domain event as decided: the envelope around it belongs to the commit. */
export interface EventOf<Type extends string, Data> {
  readonly type: Type;
  /** Schema version of `data`; grows when an upcaster is added. */
  readonly v: number;
  readonly data: Data;
}

/** Describes one event type: its schema stands beside its name, the TypeScript type follows from both. */
export const defineEvent = <Type extends string, Shape extends z.ZodRawShape>(
  type: Type,
  v: number,
  shape: Shape,
) => z.strictObject({ type: z.literal(type), v: z.literal(v), data: z.strictObject(shape) });
