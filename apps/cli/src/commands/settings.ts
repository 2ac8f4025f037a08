import type { Settings } from '@shiplog/api-client';
import { defineCommand, type GroupSpec } from '../command.js';
import { parsePairs } from '../parse/pairs.js';
import { parseSetting, SETTINGS } from '../parse/setting.js';
import { sizeText } from '../render/size.js';
import { settle } from '../settle.js';

const show = defineCommand({
  name: 'show',
  summary: 'show limits, port and health check of an app',
  examples: [['settings show -a shop', 'all settings, defaults included']],
  takes: ['app', 'at'],
  run: async ({ app, client, read, out }) => {
    const settings = await (await client()).settings.show(await app(), read);
    out.json(settings);
    out.fields(
      Object.entries(SETTINGS).map(
        ([name, { field }]) => [name, valueText(settings, field)] as const,
      ),
    );
  },
});

const valueText = (settings: Settings, field: keyof Settings): string => {
  const value = settings[field];
  if (value === null) return field === 'port' ? 'auto' : 'none';
  if (field === 'memoryBytes') return sizeText(Number(value));
  return field.endsWith('Seconds') ? `${value} s` : String(value);
};

const set = defineCommand({
  name: 'set',
  args: [['<name=value...>', 'settings to change']],
  summary: 'change limits, port or health check of an app',
  details: `Where a setting is part of how instances are made, running ones are replaced, without a gap.\n\nSettings:\n${Object.entries(
    SETTINGS,
  )
    .map(([name, { help }]) => `  ${name.padEnd(16)} ${help.replace('; ', `;\n${' '.repeat(19)}`)}`)
    .join('\n')}`,
  examples: [
    ['settings set -a shop port=3000', 'the app listens on port 3000'],
    ['settings set -a shop memory=256M cpus=0.5', 'smaller instances'],
    ['settings set -a shop health-path=/ready start-timeout=2m', 'a slow start, checked by HTTP'],
    ['settings set -a shop strategy=rolling batch=25% batch-pause=30s', 'a quarter at a time'],
    [
      'settings set -a shop strategy=canary canary-steps=5,25',
      '5% and 25% of the requests, then all',
    ],
  ],
  takes: ['app', 'reason', 'wait'],
  run: async (invocation) => {
    const pairs = parsePairs(invocation.args, 'shiplog settings set port=3000');
    const changes = pairs.reduce<Partial<Settings>>(
      (all, [name, text]) => ({ ...all, ...parseSetting(name, text) }),
      {},
    );
    const app = await invocation.app();
    const answer = await (
      await invocation.client()
    ).settings.change(app, changes, invocation.change);
    await settle(invocation, app, answer, `Settings of ${app} changed`);
  },
});

export const settings: GroupSpec = {
  name: 'settings',
  summary: 'read and change limits, port and health check',
  commands: [show, set],
};
