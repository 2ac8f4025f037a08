import { z } from 'zod';

/** Two ports that no privilege is needed for, the lower one first. `example`: for whoever wrote something else. */
export const portRange = (example: string) =>
  z
    .string()
    .regex(/^\d{4,5}-\d{4,5}$/, `two ports, as in ${example}`)
    .transform((text) => text.split('-').map(Number))
    .refine(([from = 0, to = 0]) => from >= 1024 && from <= to && to <= 65_535, {
      message: 'two ports from 1024 to 65535, the lower one first',
    });
