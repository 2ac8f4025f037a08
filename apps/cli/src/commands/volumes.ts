import type { KeptVolume, Volume } from '@shiplog/api-client';
import { defineCommand, type GroupSpec } from '../command.js';
import { CliError, EXIT, usageError } from '../exit-code.js';
import { CONFIRM, confirmedName } from '../terminal/confirm-name.js';
import { parseBytes } from '../parse/quantity.js';
import { sizeText } from '../render/size.js';
import type { Column } from '../render/table.js';
import { relativeTime } from '../render/time.js';
import { settle } from '../settle.js';
import { backup, backupText } from './volume-backup.js';

const NAME = ['<volume>', 'name of the volume, such as data'] as const;

const stateText = ({ state, aboveSize }: Volume): string =>
  state === 'created' && aboveSize ? 'above its size' : state;

const usedText = ({ usedBytes, sizeBytes }: Volume): string =>
  usedBytes === null
    ? ''
    : `${sizeText(usedBytes)} (${Math.round((100 * usedBytes) / sizeBytes)}%)`;

const whoText = ({ processes }: Volume): string =>
  processes.length === 0 ? 'nobody' : processes.join(', ');

const COLUMNS: readonly Column<Volume>[] = [
  { title: 'volume', value: ({ name }) => name },
  { title: 'path', value: ({ path }) => path },
  { title: 'process', value: whoText },
  { title: 'access', value: ({ shared }) => (shared ? 'shared' : 'exclusive') },
  { title: 'size', value: ({ sizeBytes }) => sizeText(sizeBytes), align: 'right' },
  { title: 'used', value: usedText, align: 'right' },
  { title: 'state', value: stateText },
];

const list = defineCommand({
  name: 'list',
  summary: 'list the volumes of an app, with how full they are',
  details: 'What is in them is counted every few minutes; views of the past do not have it.',
  examples: [['volumes list -a shop', 'all volumes of the app']],
  takes: ['app', 'at'],
  run: async ({ app, client, read, out }) => {
    const volumes = await (await client()).volumes.list(await app(), read);
    out.json(volumes);
    await out.table(volumes, COLUMNS, 'No volumes: shiplog volumes add');
  },
});

const show = defineCommand({
  name: 'show',
  args: [NAME],
  summary: 'show one volume: where it appears, who has it, how full it is',
  examples: [['volumes show data -a shop', 'with its id, and when it was counted']],
  takes: ['app', 'at'],
  run: async ({ app, args, client, read, out, io }) => {
    const name = args[0] ?? '';
    const appName = await app();
    const volumes = await (await client()).volumes.list(appName, read);
    const volume = volumes.find((one) => one.name === name);
    if (volume === undefined) {
      const known = volumes.map((one) => one.name).join(', ') || 'none';
      throw new CliError(
        EXIT.notFound,
        'volume-not-found',
        `${appName} has no volume "${name}". Its volumes: ${known}.`,
      );
    }
    out.json(volume);
    out.line(`Volume      ${volume.name} (${volume.id})`);
    out.line(`Path        ${volume.path}`);
    out.line(`Process     ${whoText(volume)}`);
    out.line(
      `Access      ${volume.shared ? 'shared: several instances at a time' : 'exclusive: one instance at a time'}`,
    );
    out.line(`Size        ${sizeText(volume.sizeBytes)}, declared`);
    if (volume.measuredAt !== null) {
      out.line(
        `Used        ${usedText(volume)}, counted ${relativeTime(volume.measuredAt, io.now())}`,
      );
    }
    out.line(`Backup      ${backupText(volume)}`);
    out.line(`State       ${stateText(volume)}`);
  },
});

interface Access {
  readonly process?: string;
  readonly shared?: boolean;
  readonly exclusive?: boolean;
}

/** `web,worker`; `none`: nobody has it for now. */
const processesOf = (text: string): string[] =>
  text === 'none' ? [] : text.split(',').map((type) => type.trim());

const accessOf = ({ process, shared, exclusive }: Access) => {
  if (shared === true && exclusive === true) {
    throw usageError('--shared and --exclusive exclude each other');
  }
  return {
    ...(process === undefined ? {} : { processes: processesOf(process) }),
    ...(shared === true ? { shared: true } : {}),
    ...(exclusive === true ? { shared: false } : {}),
  };
};

const ACCESS = [
  {
    flags: '--shared',
    help: 'several instances may have it at the same time; the program has to bear that',
  },
  { flags: '--exclusive', help: 'one instance at a time (default)' },
] as const;

const add = defineCommand<Access & { readonly size: number }>({
  name: 'add',
  args: [NAME, ['<path>', 'where it appears in containers, such as /var/lib/data']],
  summary: 'add a volume: a directory that outlives instances and releases',
  details: `Instances that have it are replaced. What the image has at the path is copied into it the first time.
An exclusive volume is of one process type, which then has at most one instance: the old one stops before the new
one starts, so every deploy has a moment in which none runs. A shared one is replaced without a gap.
The size is declared: it is watched and told, not enforced.`,
  examples: [
    ['volumes add data /var/lib/data --size 5G -a shop', 'for web, one instance at a time'],
    [
      'volumes add uploads /srv/uploads --size 20G --process web,worker --shared -a shop',
      'for all instances of both',
    ],
  ],
  options: [
    {
      flags: '--size <size>',
      help: 'how much is meant to be in it, such as 500M or 5G',
      parse: (text) => parseBytes('--size', text),
    },
    { flags: '--process <types>', help: 'who has it, such as web,worker (default: web)' },
    ...ACCESS,
  ],
  takes: ['app', 'reason', 'wait', 'override'],
  run: async (invocation) => {
    const { args, options, client, change } = invocation;
    const [name = '', path = ''] = args;
    if (options.size === undefined) {
      throw usageError('--size is missing', `shiplog volumes add ${name} ${path} --size 1G`);
    }
    const body = {
      name,
      path,
      sizeBytes: parseBytes('--size', String(options.size)),
      ...accessOf(options),
    };
    const app = await invocation.app();
    const answer = await (await client()).volumes.add(app, body, change);
    await settle(
      invocation,
      app,
      answer,
      `${app}: volume ${name} at ${path}`,
      `${app}: volume ${name} is at ${path}`,
    );
  },
});

const resize = defineCommand({
  name: 'resize',
  args: [NAME, ['<size>', 'how much is meant to be in it, such as 10G']],
  summary: 'change the declared size of a volume; nothing is restarted',
  examples: [['volumes resize data 10G -a shop', 'told from then on when more is in it']],
  takes: ['app', 'reason'],
  run: async ({ args, app, client, change, out }) => {
    const [name = '', size = ''] = args;
    const sizeBytes = parseBytes('size', size);
    const answer = await (await client()).volumes.change(await app(), name, { sizeBytes }, change);
    out.json(answer);
    out.line(`${name} is meant to hold ${sizeText(sizeBytes)}.`);
  },
});

const mount = defineCommand<Access>({
  name: 'mount',
  args: [NAME, ['[path]', 'where it appears in containers; default: where it is']],
  summary: 'change where a volume appears and who has it; what is in it stays',
  details:
    'Who has it can only be changed while no instance has it: stop the app, or scale the process type to 0.',
  examples: [
    ['volumes mount data /data -a shop', 'instances are replaced'],
    ['volumes mount data --process none -a shop', 'nobody has it; its data is kept'],
    ['volumes mount data --process web,worker --shared -a shop', 'all instances of both'],
  ],
  options: [
    { flags: '--process <types>', help: 'who has it, such as web,worker; none' },
    ...ACCESS,
  ],
  takes: ['app', 'reason', 'wait', 'override'],
  run: async (invocation) => {
    const { args, options, client } = invocation;
    const [name = '', path] = args;
    const body = { ...(path === undefined ? {} : { path }), ...accessOf(options) };
    if (Object.keys(body).length === 0) {
      throw usageError('nothing to change', 'Name a path, --process, --shared or --exclusive.');
    }
    const app = await invocation.app();
    const answer = await (await client()).volumes.change(app, name, body, invocation.change);
    const { volume } = answer;
    const text = `volume ${name} at ${volume.path} for ${whoText(volume)}`;
    await settle(invocation, app, answer, `${app}: ${text}`, `${app}: ${text}`);
  },
});

interface Confirm {
  readonly confirm?: string;
}

const remove = defineCommand<Confirm>({
  name: 'remove',
  args: [NAME],
  summary: 'remove a volume and delete what is in it, for good',
  details: 'Refused while an instance has it: stop the app, or scale the process type to 0.',
  examples: [['volumes remove data --confirm data -a shop', 'no undo brings it back']],
  options: [CONFIRM('volume')],
  takes: ['app', 'reason', 'override'],
  run: async (invocation) => {
    const name = invocation.args[0] ?? '';
    const app = await invocation.app();
    const loss = `This deletes what is in ${name} of ${app}, for good.`;
    const confirm = await confirmedName(invocation, 'volume', {
      ...{ name, loss },
      command: `volumes remove ${name} -a ${app}`,
    });
    const { client, change, out } = invocation;
    const answer = await (await client()).volumes.remove(app, name, confirm, change);
    out.json(answer);
    out.line(`Removed ${name}. What was in it is being deleted.`);
  },
});

const recreate = defineCommand<Confirm>({
  name: 'recreate',
  args: [NAME],
  summary: 'have an empty volume take the place of one that the engine lost',
  details:
    'Instances that need a lost volume are not started until it is back, or until somebody says by this that empty will do.',
  examples: [['volumes recreate data --confirm data -a shop', 'what was in it stays lost']],
  options: [CONFIRM('volume')],
  takes: ['app', 'reason', 'wait'],
  run: async (invocation) => {
    const name = invocation.args[0] ?? '';
    const app = await invocation.app();
    const loss = `An empty volume takes the place of ${name}, which was lost.`;
    const confirm = await confirmedName(invocation, 'volume', {
      ...{ name, loss },
      command: `volumes recreate ${name} -a ${app}`,
    });
    const { client, change } = invocation;
    const answer = await (await client()).volumes.recreate(app, name, confirm, change);
    await settle(invocation, app, answer, `${app}: empty ${name}`, `${app}: ${name} is empty`);
  },
});

const KEPT_COLUMNS: readonly Column<KeptVolume>[] = [
  { title: 'id', value: ({ id }) => id },
  { title: 'app', value: ({ app }) => app },
  { title: 'volume', value: ({ name }) => name },
  { title: 'path', value: ({ path }) => path },
  { title: 'used', value: ({ usedBytes }) => sizeText(usedBytes), align: 'right' },
];

const kept = defineCommand({
  name: 'kept',
  summary: 'list volumes that destroyed apps left behind',
  onlyNow: 'What is kept is told as it is now.',
  examples: [['volumes kept', 'with their ids, for volumes purge']],
  run: async ({ client, out }) => {
    const volumes = await (await client()).volumes.listKept();
    out.json(volumes);
    await out.table(volumes, KEPT_COLUMNS, 'No volumes of destroyed apps are kept.');
  },
});

const purge = defineCommand<Confirm>({
  name: 'purge',
  args: [['<id>', 'id of the volume, as volumes kept tells it']],
  summary: 'delete a volume that a destroyed app left behind, for good',
  examples: [
    ['volumes purge vol_0123456789abcdef01234567 --confirm data', 'no undo brings it back'],
  ],
  options: [CONFIRM('volume')],
  takes: ['reason'],
  run: async (invocation) => {
    const id = invocation.args[0] ?? '';
    const loss = `This deletes what is in ${id}, for good.`;
    const confirm = await confirmedName(invocation, 'volume', {
      ...{ name: 'NAME', loss },
      command: `volumes purge ${id}`,
    });
    const { client, change, out } = invocation;
    const answer = await (await client()).volumes.removeKept(id, confirm, change);
    out.json(answer);
    out.line(`What was in ${id} is being deleted.`);
  },
});

export const volumes: GroupSpec = {
  name: 'volumes',
  summary: 'directories that outlive instances and releases',
  commands: [list, show, add, resize, mount, backup, remove, recreate, kept, purge],
};
