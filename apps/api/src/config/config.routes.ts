import { z } from 'zod';
import { configKey } from '@shiplog/events';
import { appParam, changed, version } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'config';

/** Linux takes no environment string above 128 KiB; a value encrypted and encoded has to fit the log, too. */
const VALUE_BYTES_MAX = 32 * 1024;

const configValue = z
  .string()
  .refine((value) => !value.includes('\0'), 'a text without NUL characters')
  .refine(
    (value) => Buffer.byteLength(value) <= VALUE_BYTES_MAX,
    `at most ${VALUE_BYTES_MAX} bytes; put large values into files`,
  );

const entry = z.object({ key: z.string(), value: z.string() }).meta({ id: 'ConfigEntry' });

export const listConfig = defineRoute({
  id: 'listConfig',
  method: 'GET',
  path: '/v1/apps/{app}/config',
  summary: 'List the config of an app',
  tag,
  params: appParam,
  shows: true,
  answer: { status: 200, description: 'By key, values decrypted.', schema: z.array(entry) },
  refuses: ['key-missing'],
});

export const showConfig = defineRoute({
  id: 'showConfig',
  method: 'GET',
  path: '/v1/apps/{app}/config/{key}',
  summary: 'Show one config value',
  tag,
  params: { ...appParam, key: z.string().describe('Name of the variable.') },
  shows: true,
  answer: { status: 200, description: 'The value, decrypted.', schema: entry },
  refuses: ['config-key-not-set', 'key-missing'],
});

export const changeConfig = defineRoute({
  id: 'changeConfig',
  method: 'PATCH',
  path: '/v1/apps/{app}/config',
  summary: 'Set and unset config in one change; an app that has a release gets a new one',
  tag,
  params: appParam,
  body: z
    .strictObject({
      set: z.record(configKey, configValue).default({}),
      unset: z.array(configKey).max(1000).default([]),
    })
    .refine(
      ({ set, unset }) => Object.keys(set).length + unset.length > 0,
      'name at least one key to set or to unset: {"set": {"KEY": "value"}}',
    ),
  answer: {
    status: 200,
    description:
      'Config as of now; `release` is the new release, null where nothing was deployed yet.',
    schema: changed
      .extend({ keys: z.array(z.string()), release: version.nullable() })
      .meta({ id: 'ChangedConfig' }),
  },
  refuses: ['config-key-not-set', 'config-too-large', 'key-missing'],
});
