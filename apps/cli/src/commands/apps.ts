import type { App, AppSummary } from '@shiplog/api-client';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { CONFIRM, confirmedName } from '../terminal/confirm-name.js';
import { gateFields } from '../render/gate.js';
import { portText } from '../render/port.js';
import { relativeTime } from '../render/time.js';
import type { Column } from '../render/table.js';
import { stateColor } from '../render/state.js';

const create = defineCommand({
  name: 'create',
  args: [['<name>', 'lower-case letters, digits and "-", starting with a letter']],
  summary: 'create an app',
  examples: [
    ['apps create shop', 'a new app; it answers at http://shop.localhost:8080/ once deployed'],
    ['apps create shop -m "for the sale"', 'with the reason in the log'],
  ],
  takes: ['reason'],
  run: async ({ args, client, change, out }) => {
    const app = await (await client()).apps.create(args[0] ?? '', change);
    out.json(app);
    out.line(`Created ${app.name}.`);
    out.line();
    out.line('Deploy to it by git:');
    out.line(`  shiplog git remote -a ${app.name} && git push shiplog main`);
    out.line('or from a directory:');
    out.line(`  shiplog deploy -a ${app.name}`);
  },
});

const columns = ({ io, out }: Invocation): readonly Column<AppSummary>[] => [
  { title: 'name', value: ({ name }) => name },
  { title: 'state', value: ({ state }) => state, paint: stateColor(out.colors) },
  { title: 'release', value: ({ release }) => (release === null ? '' : `v${release}`) },
  { title: 'url', value: ({ url }) => url },
  { title: 'created', value: ({ createdAt }) => relativeTime(createdAt, io.now()) },
  { title: 'by', value: ({ createdBy }) => createdBy },
];

const list = defineCommand({
  name: 'list',
  summary: 'list the apps you can see',
  examples: [
    ['apps list', 'all of them'],
    ['apps list --at 2h', 'as it was two hours ago'],
    ["apps list --json | jq -r '.[].name'", 'names only'],
  ],
  takes: ['at'],
  run: async (invocation) => {
    const apps = await (await invocation.client()).apps.list(invocation.read);
    invocation.out.json(apps);
    const empty = 'No apps yet. Create one: shiplog apps create NAME';
    await invocation.out.table(apps, columns(invocation), empty);
  },
});

const show = defineCommand({
  name: 'show',
  args: [['[app]', 'else -a, SHIPLOG_APP or the git remote']],
  summary: 'show one app',
  examples: [
    ['apps show shop', 'where it answers, what runs, who changed it'],
    ['apps show shop --at 00000000000000000042', 'as it was at that place in the log'],
  ],
  takes: ['app', 'at'],
  run: async ({ args, app, client, read, out, io }) => {
    const shown = await (await client()).apps.show(await app(args[0]), read);
    out.json(shown);
    out.fields(fieldsOf(shown, io.now()));
  },
});

const fieldsOf = (app: App, nowMs: number): [string, string | null][] => [
  ['Name', app.name],
  ['State', app.state],
  ['Problem', app.problem],
  ['URL', app.url],
  ...gateFields(app.gate, nowMs),
  ['Release', app.release === null ? 'none yet' : `v${app.release}`],
  ['Processes', processesText(app.formation)],
  ['Domains', app.domains.join(', ')],
  ['Ports', app.ports.map(portText).join(', ')],
  ['Git', app.gitUrl],
  ['Created', `${relativeTime(app.createdAt, nowMs)} by ${app.createdBy}`],
  ['Updated', relativeTime(app.updatedAt, nowMs)],
  ['Id', app.id],
  ['Revision', app.revision],
];

const processesText = (formation: Readonly<Record<string, number>>): string =>
  Object.entries(formation)
    .map(([process, count]) => `${process}=${count}`)
    .join(' ');

const destroy = defineCommand<{ confirm?: string; volumes?: boolean }>({
  name: 'destroy',
  args: [['[app]', 'else -a, SHIPLOG_APP or the git remote']],
  summary: 'destroy an app: its instances stop, its name and domains become free',
  details:
    'What happened stays in the log; the app itself cannot be brought back. Its volumes are kept with what is in them\n' +
    '(shiplog volumes kept) unless --volumes says otherwise.',
  examples: [
    ['apps destroy shop --confirm shop', 'the name once more, so that it is no accident'],
    ['apps destroy shop --confirm shop --volumes', 'with everything that is in its volumes'],
  ],
  options: [
    CONFIRM('app'),
    { flags: '--volumes', help: 'delete its volumes, too, with what is in them' },
  ],
  takes: ['app', 'reason', 'override'],
  run: async (invocation) => {
    const { args, client, change, out, options } = invocation;
    const app = await invocation.app(args[0]);
    const data = options.volumes === true ? ', with everything that is in its volumes' : '';
    const confirm = await confirmedName(invocation, 'app', {
      name: app,
      loss: `This destroys ${app} for good${data}.`,
      command: `apps destroy ${app}${options.volumes === true ? ' --volumes' : ''}`,
    });
    const query = { confirm, ...(options.volumes === true ? { volumes: 'true' as const } : {}) };
    const answer = await (await client()).apps.destroy(app, query, change);
    out.json(answer);
    out.line(`Destroyed ${app}. Its instances are being stopped.`);
    if (answer.keptVolumes.length > 0) {
      out.line(`Kept: volumes ${answer.keptVolumes.join(', ')}. See: shiplog volumes kept`);
    }
  },
});

export const apps: GroupSpec = {
  name: 'apps',
  summary: 'create, list, show and destroy apps',
  commands: [create, list, show, destroy],
};
