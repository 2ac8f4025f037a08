import { defineCommand, type GroupSpec } from '../command.js';
import { settle } from '../settle.js';

const HOST = ['<host>', 'host name, such as www.example.com'] as const;

const list = defineCommand({
  name: 'list',
  summary: 'list the hosts at which an app answers',
  examples: [['domains list -a shop', 'the default one and custom ones']],
  takes: ['app', 'at'],
  run: async ({ app, client, read, out }) => {
    const domains = await (await client()).domains.list(await app(), read);
    out.json(domains);
    await out.table(
      domains,
      [
        { title: 'host', value: ({ host }) => host },
        { title: 'kind', value: ({ kind }) => kind },
        { title: 'url', value: ({ url }) => url },
      ],
      'No domains.',
    );
  },
});

const add = defineCommand({
  name: 'add',
  args: [HOST],
  summary: 'let an app answer at a host, too',
  details: 'Point the DNS record of the host at this platform as well.',
  examples: [['domains add www.example.com -a shop', 'routed as soon as it returns']],
  takes: ['app', 'reason', 'wait'],
  run: async (invocation) => {
    const host = (invocation.args[0] ?? '').toLowerCase();
    const app = await invocation.app();
    const answer = await (await invocation.client()).domains.add(app, host, invocation.change);
    await settle(
      invocation,
      app,
      answer,
      `${host} added to ${app}`,
      `${host} leads to ${app} now.`,
    );
  },
});

const remove = defineCommand({
  name: 'remove',
  args: [HOST],
  summary: 'take a host away from an app',
  examples: [['domains remove www.example.com -a shop', 'the host becomes free']],
  takes: ['app', 'reason', 'wait'],
  run: async (invocation) => {
    const host = (invocation.args[0] ?? '').toLowerCase();
    const app = await invocation.app();
    const answer = await (await invocation.client()).domains.remove(app, host, invocation.change);
    await settle(
      invocation,
      app,
      answer,
      `${host} removed from ${app}`,
      `${host} is free; ${app} answers there no more.`,
    );
  },
});

export const domains: GroupSpec = {
  name: 'domains',
  summary: 'read and change custom domains',
  commands: [list, add, remove],
};
