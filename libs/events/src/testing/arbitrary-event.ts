import fc from 'fast-check';
import { z } from 'zod';
import { CERTIFICATE_DOMAIN_PATTERN } from '../certificates.js';
import { DOMAIN_PATTERN } from '../domains.js';
import { HOST_PATTERN } from '../ids.js';
import { eventSchemaOf, type EventType } from '../event-types.js';
import type { DomainEventUnion } from '../registry.js';

interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

/** Any event of this type that its schema allows. */
export const arbitraryEvent = ({ type, v }: EventType): fc.Arbitrary<DomainEventUnion> => {
  const schema = eventSchemaOf(type);
  if (schema === undefined) throw new Error(`there is no event ${type}`);
  const json = JSON.parse(JSON.stringify(z.toJSONSchema(schema.shape.data))) as Schema;
  return arbitraryOf(json)
    .map((data) => ({ type, v, data }))
    .filter(
      (event) => schema.safeParse(event).success,
    ) as unknown as fc.Arbitrary<DomainEventUnion>;
};

const arbitraryOf = (schema: Schema): fc.Arbitrary<unknown> => {
  const variants = schema.anyOf ?? schema.oneOf ?? typesOf(schema);
  if (variants !== undefined) return fc.oneof(...variants.map(arbitraryOf));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return integerOf(schema);
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9, noNaN: true });
    case 'string':
      return stringOf(schema);
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: 4,
      });
    case 'object':
      return objectOf(schema);
    default:
      throw new Error(`no arbitrary for ${JSON.stringify(schema)}`);
  }
};

/** `["boolean", "null"]`: one of them. */
const typesOf = ({ type }: Schema): readonly Schema[] | undefined =>
  typeof type === 'object' ? type.map((one) => ({ type: one })) : undefined;

const integerOf = ({ minimum, exclusiveMinimum = -1_000_001, maximum = 1e9 }: Schema) =>
  fc.integer({ min: minimum ?? exclusiveMinimum + 1, max: Math.min(maximum, 1e9) });

const stringOf = ({
  pattern,
  format,
  minLength,
  maxLength = 200,
}: Schema): fc.Arbitrary<string> => {
  if (format === 'date-time') return anyTime.map((time) => time.toISOString());
  // It looks ahead, which no generator can.
  if (pattern === HOST_PATTERN.source) return fc.domain();
  if (pattern === CERTIFICATE_DOMAIN_PATTERN.source) return hostOrWildcard;
  if (format === 'uri') return fc.webUrl();
  if (pattern === DOMAIN_PATTERN.source) return anyDomain;
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc.string({
    unit: 'grapheme',
    minLength: minLength ?? 0,
    maxLength: Math.min(maxLength, 50),
  });
};

const hostOrWildcard = fc
  .tuple(fc.constantFrom('', '*.'), fc.domain())
  .map((parts) => parts.join(''));

const anyDomain = fc
  .tuple(
    fc.constantFrom('', '*.'),
    fc.domain().filter((host) => host.split('.').length <= 8),
    fc.stringMatching(/^(?:\/[a-z0-9]{1,8}){0,3}$/),
  )
  .map((parts) => parts.join(''));

const anyTime = fc.date({
  min: new Date('2000-01-01'),
  max: new Date('2100-01-01'),
  noInvalidDate: true,
});

const objectOf = (schema: Schema): fc.Arbitrary<unknown> => {
  const { properties, additionalProperties, propertyNames, required = [] } = schema;
  if (properties === undefined) {
    const values = arbitraryOf(additionalProperties as Schema);
    return fc.dictionary(stringOf(propertyNames ?? {}), values, { maxKeys: 4 });
  }
  const fields = Object.entries(properties).map(([name, one]) => [name, arbitraryOf(one)] as const);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [...required] });
};
