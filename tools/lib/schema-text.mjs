// What a zod schema accepts, in words. Schemas that have a name in the registry are called by it.
import { z } from 'zod';

const NUMBER_MAX = Number.MAX_SAFE_INTEGER;

/** The JSON Schema of a zod schema, with references to everything that the registry names. */
export const jsonSchemaOf = (schema, registry) =>
  z.toJSONSchema(schema, {
    metadata: registry,
    reused: 'inline',
    io: 'input',
    unrepresentable: 'any',
  });

export const nameOfReference = (reference) => reference.replace('#/$defs/', '');

/** Such as `integer from 1 to 65535, or null`. `named` says how a name is written. */
export const schemaText = (schema, named = (name) => name) => {
  const text = (inner) => schemaText(inner, named);
  if (schema.$ref !== undefined) return named(nameOfReference(schema.$ref));
  if (schema.allOf?.length === 1) return text(schema.allOf[0]);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined)
    return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) {
    const nullable = either.some(({ type }) => type === 'null');
    const others = either.filter(({ type }) => type !== 'null').map(text);
    return `${others.join(' or ')}${nullable ? ', or null' : ''}`;
  }
  if (schema.type === 'array') return `list${countOf(schema)} of ${text(schema.items)}`;
  if (schema.type === 'object' && schema.properties === undefined)
    return `object of ${text(schema.additionalProperties)} by ${text(schema.propertyNames)}`;
  if (schema.type === 'object')
    return `object { ${Object.entries(schema.properties)
      .map(([name, of]) => `${name}: ${text(of)}`)
      .join('; ')} }`;
  if (schema.type === 'integer' || schema.type === 'number') return schema.type + rangeOf(schema);
  if (schema.type === 'string') return stringText(schema);
  return schema.type ?? 'anything';
};

const rangeOf = ({ minimum, maximum }) => {
  const from = minimum === undefined || minimum <= -NUMBER_MAX ? '' : ` from ${minimum}`;
  const to = maximum === undefined || maximum >= NUMBER_MAX ? '' : ` to ${maximum}`;
  return from + to;
};

const countOf = ({ minItems, maxItems }) => {
  if (minItems === undefined && maxItems === undefined) return '';
  return ` (${minItems ?? 0} to ${maxItems ?? 'any number'})`;
};

const stringText = ({ format, pattern, maxLength }) => {
  if (format === 'date-time') return 'time (ISO 8601, UTC)';
  if (format !== undefined) return format;
  if (pattern !== undefined) return `text like \`${pattern}\``;
  return maxLength === undefined ? 'text' : `text of at most ${maxLength} characters`;
};
