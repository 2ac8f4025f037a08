// Writes docs/configuration.md from what the programs read: the schema of the environment, the settings of apps, what
// instances are told. Needs `npm run build`. `--check` writes nothing and fails when the file is out of date.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { SETTINGS } from '../apps/cli/dist/parse/setting.js';
import { instanceSpec } from '../apps/deployer/dist/containers/container-spec.js';
import { DEFAULT_SETTINGS, TAKES_EFFECT } from '../libs/domain/dist/index.js';
import { settings } from '../libs/events/dist/index.js';
import { environment } from '../libs/runtime/dist/config.js';
import { formatted, generate } from './lib/generated-file.mjs';
import { code, table } from './lib/markdown.mjs';
import { jsonSchemaOf, schemaText } from './lib/schema-text.mjs';

const FILE = 'docs/configuration.md';

/** Read outside the schema: by the command line, the start script, single adapters. */
const OTHER_VARIABLES = {
  SHIPLOG_URL: [
    'address of the API that the CLI talks to',
    'the context in use, else the platform of this machine',
  ],
  SHIPLOG_TOKEN: [
    'access token of the CLI',
    'of the context, else of the platform of this machine',
  ],
  SHIPLOG_APP: [
    'the app that CLI commands are about, where there is no `-a`',
    "the checkout's git remote `shiplog`",
  ],
  SHIPLOG_NATS_SERVER: [
    'nats-server to run, 2.14 or newer',
    'from PATH, else the one that `npm start` fetched',
  ],
  SHIPLOG_CREDENTIALS_OUT: [
    'folder for one NATS credential folder per process, written by the provisioner (compose)',
    'none',
  ],
  NO_COLOR: ['set to anything: output without colours', 'colours on a terminal'],
};
/** For tests and for ourselves. */
const INTERNAL = /^SHIPLOG_(FAULT|SKIP_BUILD|TEST_LEVEL|PEBBLE|HOOK_\w+)$/;

/** What every instance finds in its environment, beside the config of the app. */
const INSTANCE_VARIABLES = {
  PORT: 'port that the process `web` has to listen on, on all addresses',
  SHIPLOG_PLATFORM: 'name of the platform',
  SHIPLOG_APP: 'name of the app',
  SHIPLOG_APP_ID: 'id of the app: a recreated app has another one',
  SHIPLOG_PROCESS: 'process type, such as `web`; `run` for one-off commands',
  SHIPLOG_RELEASE: 'release it was started from, such as `v3`',
  SHIPLOG_HOST: 'host at which the app answers',
  SHIPLOG_INTERNAL_HOST: 'name by which other apps of its team find the ready instances of the app',
  SHIPLOG_NODE: 'name of the machine',
  SHIPLOG_MEMORY_BYTES: 'its memory limit, in bytes; tools inside see the memory of the machine',
  SHIPLOG_MEMORY_RESERVATION_BYTES: 'memory it keeps when the machine is short of it, in bytes',
  SHIPLOG_CPUS: 'its limit of cores',
  SHIPLOG_CPU_RESERVATION: 'cores it gets when all want more than there is',
  SHIPLOG_PIDS: 'its limit of processes and threads',
  SHIPLOG_INSTANCE: 'id of the instance',
  SHIPLOG_ADDRESS: 'its own address in the network of its team',
  SHIPLOG_HOST_PORT: 'port on the loopback of the machine at which it answers (`web` only)',
};

const environmentRows = () => {
  const { properties } = jsonSchemaOf(environment, z.registry());
  return Object.entries(environment.shape).map(([name, schema]) => {
    const { description = '' } = schema;
    const { default: given } = properties[name];
    // Where the default depends on something, the description ends with it.
    const [meaning, derived] = description.split(/\s*[Dd]efault: /);
    const fallback = given === undefined ? (derived ?? 'none').replace(/\.$/, '') : code(given);
    if (description === '') throw new Error(`${name} has no description`);
    if (name in OTHER_VARIABLES)
      throw new Error(`${name} is in the schema: describe it there only`);
    return [code(name), meaning.replace(/[.;]$/, ''), fallback];
  });
};

const assertAllDocumented = () => {
  const known = new Set([...Object.keys(environment.shape), ...Object.keys(OTHER_VARIABLES)]);
  const sources = execFileSync('git', ['ls-files', 'apps', 'libs', 'scripts'], { encoding: 'utf8' })
    .split('\n')
    .filter((file) => /\.(ts|cjs)$/.test(file) && !/\.spec\.|\/testing\//.test(file))
    .filter((file) => existsSync(file));
  for (const file of sources) {
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/env(?:\.|\[')(SHIPLOG_[A-Z_]+)/g)) {
      if (!known.has(name) && !INTERNAL.test(name))
        throw new Error(`${file} reads ${name}: describe it in tools/config-doc.mjs`);
    }
  }
};

const instanceRows = () => {
  const { env } = instanceSpec({
    platform: { platform: 'p', domain: 'd', nodeId: 'n' },
    app: { name: 'a', appId: 'a', teamId: 't', settings: DEFAULT_SETTINGS, ownLimits: {} },
    release: { version: 1, processes: {} },
    image: { id: 'i' },
    instance: { instanceId: 'i', process: 'web', port: 1, containerPort: 1, address: '10.0.0.1' },
    config: {},
  });
  for (const name of Object.keys(env)) {
    if (!(name in INSTANCE_VARIABLES))
      throw new Error(`${name}: describe it in tools/config-doc.mjs`);
  }
  return Object.entries(INSTANCE_VARIABLES)
    .filter(([name]) => name in env)
    .map(([name, meaning]) => [code(name), meaning]);
};

const settingRows = () => {
  const { properties } = jsonSchemaOf(settings, z.registry());
  return Object.entries(SETTINGS).map(([name, { field, help }]) => [
    code(name),
    help.replace(/; (auto|none): .*/, ''),
    defaultText(field, DEFAULT_SETTINGS[field], help),
    typeof DEFAULT_SETTINGS[field] === 'object' && DEFAULT_SETTINGS[field] !== null
      ? 'see the API'
      : schemaText(properties[field]),
    TAKES_EFFECT[field].replace('-', ' '),
    code(field),
  ]);
};

const defaultText = (field, value, help) => {
  if (value === null) return /; ((?:auto|none): .*)/.exec(help)?.[1] ?? 'none';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'object') return 'none';
  if (field.endsWith('Bytes')) return `${value / 1024 ** 2}M`;
  return field.endsWith('Seconds') ? `${value} s` : String(value);
};

assertAllDocumented();
const text = `<!-- Generated by tools/config-doc.mjs. Do not edit. -->

# Configuration

## The platform: environment variables

Read by \`npm start\` and by every process of its own. A value that is wrong is refused at the start, by name.
Two platforms on one machine need their own \`SHIPLOG_HOME\`, \`SHIPLOG_PLATFORM\` and three ports.

${table(['Variable', 'Meaning', 'Default'], environmentRows())}

## Command line and tools

${table(
  ['Variable', 'Meaning', 'Default'],
  Object.entries(OTHER_VARIABLES).map(([name, [meaning, fallback]]) => [
    code(name),
    meaning,
    fallback,
  ]),
)}

## An app: settings

\`shiplog settings show -a APP\`, \`shiplog settings set -a APP memory=1G drain=10s -m "why"\`; over HTTP
\`GET\` and \`PATCH /v1/apps/{app}/settings\` with the field names. A setting takes effect
when it is needed, in running instances without a restart (live), or by replacing them without a gap (replace).
\`shiplog resize web=1G,2cpu -a APP\` gives one process type limits of its own ([more](resources.md)). Durations take \`s\`, \`m\`, \`h\`; sizes take \`K\`, \`M\`, \`G\`.

${table(['Setting', 'Meaning', 'Default', 'Accepted by the API', 'Takes effect', 'Field'], settingRows())}

## An app: config

\`shiplog config set -a APP KEY=value -m "why"\` makes a release with the new environment and rolls it out. Values are kept
encrypted in the log, under a key of the app. Every instance gets the config, and these:

${table(['Variable', 'Meaning'], instanceRows())}
`;
await generate(FILE, await formatted(FILE, text), 'tools/config-doc.mjs');
