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
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'object') return tableText(value) || 'none';
  if (field.endsWith('Bps')) return `${sizeText(Number(value))} a second`;
  if (field.endsWith('Bytes')) return sizeText(Number(value));
  return field.endsWith('Seconds') ? `${value} s` : String(value);
};

const tableText = (
  value: Settings['ulimits'] | Settings['tmpfs'] | Settings['stopFirst'],
): string =>
  (Array.isArray(value)
    ? value.map((one) => (typeof one === 'string' ? one : `${one.path}:${sizeText(one.sizeBytes)}`))
    : Object.entries(value).map(([name, { soft, hard }]) => `${name}=${soft}:${hard}`)
  ).join(', ');

const set = defineCommand({
  name: 'set',
  args: [['<name=value...>', 'settings to change']],
  summary: 'change limits, port or health check of an app',
  details: `Limits (memory, cpus, pids and their like) change while instances run; for other things of a container\ninstances are replaced by new ones, without a gap; timings need neither. One process type: shiplog resize.\n\nSettings:\n${Object.entries(
    SETTINGS,
  )
    .map(([name, { help }]) => `  ${name.padEnd(18)} ${help.replace('; ', `;\n${' '.repeat(21)}`)}`)
    .join('\n')}`,
  examples: [
    ['settings set -a shop port=3000', 'the app listens on port 3000'],
    ['settings set -a shop memory=256M cpus=0.5', 'smaller instances, without a restart'],
    ['settings set -a shop read-only=on tmpfs=/tmp:64M', 'nothing can be written but to /tmp'],
    ['settings set -a shop health-path=/ready start-timeout=2m', 'a slow start, checked by HTTP'],
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
