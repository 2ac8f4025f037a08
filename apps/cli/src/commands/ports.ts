import { defineCommand, type GroupSpec } from '../command.js';
import { usageError } from '../exit-code.js';
import { settle } from '../settle.js';

const PORT = ['<port>', 'port of the router, such as 32100'] as const;

const list = defineCommand({
  name: 'list',
  summary: 'list the TCP ports of the router that lead to an app',
  examples: [['ports list -a broker', 'the ports, and what they lead to']],
  takes: ['app', 'at'],
  run: async ({ app, client, read, out }) => {
    const ports = await (await client()).ports.list(await app(), read);
    out.json(ports);
    await out.table(
      ports,
      [
        { title: 'port', value: ({ port }) => String(port) },
        { title: 'process', value: ({ process }) => process },
        {
          title: 'listens at',
          value: ({ containerPort }) => (containerPort === null ? 'its port' : `${containerPort}`),
        },
      ],
      'No ports.',
    );
  },
});

interface AddOptions {
  readonly process?: string;
  readonly containerPort?: number;
}

const add = defineCommand<AddOptions>({
  name: 'add',
  args: [PORT],
  summary: 'lead TCP connections at a port of the router to a process of an app',
  details:
    'For what is not HTTP: a database, MQTT, SSH. Connections go to ready instances in turn. Instances of a process ' +
    'type that had no port are replaced, so that they are asked whether they are ready. Which ports there are: ' +
    'SHIPLOG_TCP_PORTS, 32000 to 32767 unless said otherwise.',
  examples: [
    ['ports add 32100 -a echo', 'to the port that web listens at'],
    ['ports add 32101 -a iot --process broker --container-port 1883', 'to another process type'],
  ],
  options: [
    { flags: '--process <type>', help: 'process type that connections go to (default: web)' },
    {
      flags: '--container-port <port>',
      help: 'where it listens in its container (default: the port of web; others have to say it)',
      parse: (text) => {
        if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535) return Number(text);
        throw usageError(`"${text}" is no port`, 'Write a number from 1 to 65535');
      },
    },
  ],
  takes: ['app', 'reason', 'wait', 'override'],
  run: async (invocation) => {
    const { args, options, client, change } = invocation;
    const [port = ''] = args;
    const { process, containerPort } = options;
    const body = {
      ...(process === undefined ? {} : { process }),
      ...(containerPort === undefined ? {} : { containerPort }),
    };
    const app = await invocation.app();
    const answer = await (await client()).ports.add(app, port, body, change);
    const leads = `Port ${port} leads to ${answer.process} of ${app} now.`;
    await settle(invocation, app, answer, `port ${port} added to ${app}`, leads);
  },
});

const remove = defineCommand({
  name: 'remove',
  args: [PORT],
  summary: 'take a TCP port of the router away from an app',
  details: 'New connections are closed at once; those that are open end with the drain deadline.',
  examples: [['ports remove 32100 -a echo', 'the port becomes free']],
  takes: ['app', 'reason', 'wait'],
  run: async (invocation) => {
    const [port = ''] = invocation.args;
    const app = await invocation.app();
    const answer = await (await invocation.client()).ports.remove(app, port, invocation.change);
    const free = `Port ${port} is free; ${app} is not reached there any more.`;
    await settle(invocation, app, answer, `port ${port} removed from ${app}`, free);
  },
});

export const ports: GroupSpec = {
  name: 'ports',
  summary: 'read and change TCP ports of the router',
  commands: [list, add, remove],
};
