import { z } from 'zod';
import { Problem, type FieldError } from './problem.js';

type Place = 'body' | 'query' | 'path';

/** The value as the schema reads it; a refusal that names every field that is wrong. */
export const validate = <S extends z.ZodType>(
  place: Place,
  schema: S,
  value: unknown,
): z.infer<S> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap((issue) => fieldErrors(place, issue));
  const shown = errors.slice(0, 5).map(({ path, message }) => `${path}: ${message}`);
  const more = errors.length > 5 ? ` And ${errors.length - 5} more.` : '';
  throw new Problem(
    place === 'body' ? 'invalid-body' : 'invalid-input',
    `${shown.join(' ')}${more}`,
    { errors: errors.slice(0, 50) },
  );
};

const fieldErrors = (place: Place, issue: z.core.$ZodIssue): FieldError[] => {
  const path = pathOf(place, issue.path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: pathOf(place, [...issue.path, key]),
        message: 'there is no such field here; check its spelling.',
      }));
    case 'invalid_key':
      return [
        {
          path,
          message: `no key of it; expected ${issue.issues.map(({ message }) => message).join(', ')}.`,
        },
      ];
    case 'invalid_format':
      return [{ path, message: `expected ${expectedFormat(issue)}.` }];
    case 'invalid_union':
      return [{ path, message: unionMessage(issue) }];
    default:
      return [{ path, message: sentence(issue.message) }];
  }
};

/** Our own schemas say what would be right; those of zod say "Invalid …", which is kept. */
const expectedFormat = (issue: z.core.$ZodIssueInvalidStringFormat): string =>
  issue.message.startsWith('Invalid') ? `another form (${issue.message})` : issue.message;

const unionMessage = (issue: z.core.$ZodIssueInvalidUnion): string =>
  issue.discriminator === undefined
    ? sentence(issue.message)
    : `no such ${issue.discriminator}; the API description names the ones there are.`;

const sentence = (text: string): string => {
  const lower = text.startsWith('Invalid input: ') ? text.slice('Invalid input: '.length) : text;
  return lower.endsWith('.') ? lower : `${lower}.`;
};

/** Keys come from the caller: shortened, and without control characters. */
const pathOf = (place: Place, path: readonly PropertyKey[]): string =>
  [
    place,
    ...path.map((part) =>
      String(part)
        .replace(/[\u0000-\u001f\u007f]/g, '?')
        .slice(0, 80),
    ),
  ].join('.');
