import { z } from 'zod';
import { changed, id, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'keys';

const keyId = id.describe('Id of a master key. It says nothing about the key itself.');

const key = z
  .object({
    kind: z.string().describe('What it is the key of: `app` or `person`.'),
    id: id.describe('Id of the app or the person.'),
    name: z
      .string()
      .nullable()
      .describe('Name of the app; null for a person, and where there is no such app any more.'),
    masterKeyId: keyId.nullable().describe('The master key it is wrapped with; null: with none.'),
    createdAt: time.nullable(),
  })
  .meta({ id: 'Key' });

export const listKeys = defineRoute({
  id: 'listKeys',
  method: 'GET',
  path: '/v1/keys',
  summary: 'The master key and the keys it wraps: ids and ages, never keys',
  tag,
  access: 'administrator',
  answer: {
    status: 200,
    description: 'Those of apps, then those of people; each by id.',
    schema: z
      .object({
        masterKey: z
          .object({ id: keyId, createdAt: time, file: z.string() })
          .nullable()
          .describe('The one that wraps; null before the first key was made.'),
        rotatingTo: keyId.nullable().describe('The one that is taking its place just now.'),
        keys: z.array(key),
      })
      .meta({ id: 'Keys' }),
  },
  refuses: ['key-store-unusable'],
});

export const rotateMasterKey = defineRoute({
  id: 'rotateMasterKey',
  method: 'POST',
  path: '/v1/keys/rotate',
  summary: 'Make a new master key and wrap every key with it; config values stay as they are',
  tag,
  access: 'administrator',
  body: z.strictObject({}),
  answer: {
    status: 200,
    description:
      'It is in the log, and carried out whatever dies meanwhile. `done` is false where that takes longer than the answer.',
    schema: changed
      .extend({
        masterKeyId: keyId,
        previousMasterKeyId: keyId.nullable(),
        keys: z.number().int().describe('How many it wraps.'),
        done: z.boolean(),
      })
      .meta({ id: 'RotatedMasterKey' }),
  },
  refuses: ['key-rotation-running', 'key-store-unusable'],
});
