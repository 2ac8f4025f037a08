import { z } from 'zod';
import { ID_PATTERN, SEQUENCE_PATTERN, explanation as storedExplanation } from '@shiplog/events';

/** Fields that stand in many answers, described once. */
export const sequence = z
  .string()
  .regex(SEQUENCE_PATTERN, 'a sequence such as 00000000000000000042-0000')
  .describe('Place in the log: 20 digits, a dash, 4 digits. String order is log order.');

export const time = z.string().describe('ISO 8601, UTC.');
export const id = z.string().describe('Opaque; unique on the platform.');
export const idParam = z.string().regex(ID_PATTERN, 'an id: letters, digits, "_" and "-"');
export const reason = z.string().nullable().describe('Why, in the words of who did it (-m).');
export const explanation = storedExplanation.meta({
  id: 'Explanation',
  description: 'Why something did not work, in the order in which a person asks.',
});
export const version = z.number().int().describe('Number of the release: 3 is v3.');

/** `?follow`, `?follow=true`, `?follow=1`: yes; absent, `false`, `0`: no. */
export const flag = z
  .enum(['', 'true', 'false', '1', '0'])
  .default('false')
  .transform((text) => text === '' || text === 'true' || text === '1');

/** A whole number in a query, from `min` to `max`. */
export const count = (max: number, fallback: number, min = 0) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `a whole number from ${min} to ${max}`)
    .default(fallback);

/** How many of a list. At least one: a page of none would never come to an end. */
export const pageLimit = count(1000, 100, 1);

export const appParam = {
  app: z.string().describe('Name or id of the app.'),
};

/** What every change answers: where it stands in the log. */
export const changed = z
  .object({ sequence: sequence.describe('Place of the change in the log; pass it as atLeast.') })
  .meta({ id: 'Changed' });
