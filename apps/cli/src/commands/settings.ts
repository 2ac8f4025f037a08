import type { Settings, SettingsChange } from '@shiplog/api-client';
import { defineCommand, type GroupSpec } from '../command.js';
import { parseCheck, parseCheckName } from '../parse/check.js';
import { parsePairs } from '../parse/pairs.js';
import { parseSetting, SETTINGS } from '../parse/setting.js';
import { checkText } from '../render/check.js';
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
    out.fields([
      ...Object.entries(SETTINGS).map(
        ([name, { field }]) => [name, valueText(settings, field)] as const,
      ),
      ...Object.entries(settings.checks).flatMap(([process, probes]) =>
        Object.entries(probes).map(
          ([probe, check]) => [`${process}.${probe}`, checkText(check)] as const,
        ),
      ),
    ]);
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

const CHECKS_HELP = `Health checks, by process type and probe:
  PROCESS.startup    has it started? asked until start-timeout
  PROCESS.readiness  may requests go to it? where not, it is out of routing and asked on
  PROCESS.liveness   does it live? where not, it is started again
Their values:
  http PATH [status=200-399]   tcp   command WORDS   none   default
  interval=500ms timeout=1s failures=2 successes=2 delay=0s`;
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
  details: `Limits (memory, cpus, pids and their like) change while instances run, and health checks count at once; for other\nthings of a container instances are replaced by new ones, without a gap; timings need neither. One process type: shiplog resize.\n\nSettings:\n${Object.entries(
    SETTINGS,
  )
    .map(([name, { help }]) => `  ${name.padEnd(18)} ${help.replace('; ', `;\n${' '.repeat(21)}`)}`)
    .join('\n')}\n\n${CHECKS_HELP}`,
  examples: [
    ['settings set -a shop port=3000', 'the app listens on port 3000'],
    ['settings set -a shop protocol=h2c', 'it speaks gRPC'],
    ['settings set -a shop memory=256M cpus=0.5', 'smaller instances, without a restart'],
    ['settings set -a shop read-only=on tmpfs=/tmp:64M', 'nothing can be written but to /tmp'],
    ['settings set -a shop health-path=/ready start-timeout=2m', 'a slow start, checked by HTTP'],
    [
      "settings set -a shop web.readiness='http /ready failures=3'",
      'out of routing a little later',
    ],
    ["settings set -a shop web.liveness='http /alive'", 'started again when it hangs'],
    ["settings set -a shop worker.liveness='command test -f /tmp/alive'", 'a worker, by a command'],
    ['settings set -a shop strategy=rolling batch=25% batch-pause=30s', 'a quarter at a time'],
    [
      'settings set -a shop strategy=canary canary-steps=5,25',
      '5% and 25% of the requests, then all',
    ],
  ],
  takes: ['app', 'reason', 'wait', 'override'],
  run: async (invocation) => {
    const pairs = parsePairs(invocation.args, 'shiplog settings set port=3000');
    const changes = pairs.reduce<SettingsChange>((all, pair) => withPair(all, pair), {});
    const app = await invocation.app();
    const answer = await (
      await invocation.client()
    ).settings.change(app, changes, invocation.change);
    await settle(invocation, app, answer, `Settings of ${app} changed`);
  },
});

const withPair = (all: SettingsChange, [name, text]: [string, string]): SettingsChange => {
  const checked = parseCheckName(name);
  if (checked === undefined) return { ...all, ...parseSetting(name, text) };
  const { process, probe } = checked;
  const check = parseCheck(name, text);
  const { checks = {} } = all;
  return { ...all, checks: { ...checks, [process]: { ...checks[process], [probe]: check } } };
};

export const settings: GroupSpec = {
  name: 'settings',
  summary: 'read and change limits, port and health check',
  commands: [show, set],
};
