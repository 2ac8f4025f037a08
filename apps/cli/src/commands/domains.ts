import type { AddedDomainUse, Domain } from '@shiplog/api-client';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { usageError } from '../exit-code.js';
import { printableLine } from '../render/printable.js';
import { settle } from '../settle.js';

const DOMAIN = [
  '<domain>',
  'host such as www.example.com, or *.example.com, each with or without a path such as /api',
] as const;

const list = defineCommand({
  name: 'list',
  summary: 'list the domains at which an app answers',
  examples: [['domains list -a shop', 'the default one and custom ones']],
  takes: ['app', 'at'],
  run: async ({ app, client, read, out }) => {
    const domains = await (await client()).domains.list(await app(), read);
    out.json(domains);
    await out.table(
      domains,
      [
        { title: 'domain', value: shown },
        { title: 'kind', value: ({ kind }) => kind },
        { title: 'url', value: ({ url }) => url },
        { title: 'then', value: useText },
        { title: 'ownership', value: ({ ownership }) => ownership.status },
      ],
      'No domains.',
    );
  },
});

/** As it is routed, and as a person reads it. */
const shown = ({ host, unicode }: Domain): string =>
  host === unicode ? host : `${host} (${unicode})`;

const useText = ({ strip, redirect }: Domain): string => {
  if (redirect !== null) return `redirects to ${redirect.to} (${redirect.status})`;
  return strip ? 'answers, without its path' : 'answers';
};

interface AddOptions {
  readonly strip?: true;
  readonly redirect?: string;
  readonly status?: (typeof STATUSES)[number];
  readonly www?: (typeof WWW)[number];
}
const STATUSES = [301, 302, 307, 308] as const;
const WWW = ['redirect', 'serve', 'none'] as const;

const oneOf =
  <T extends string | number>(flag: string, words: readonly T[]) =>
  (text: string): T => {
    const word = words.find((one) => String(one) === text);
    if (word !== undefined) return word;
    throw usageError(`"${text}" is nothing for ${flag}`, `Write one of: ${words.join(', ')}`);
  };

const add = defineCommand<AddOptions>({
  name: 'add',
  args: [DOMAIN],
  summary: 'let an app answer at a domain, too, or change what is done with it',
  details:
    'Point the DNS record of the host at this platform as well. The nearest domain wins: the host itself before a ' +
    'wildcard, a long wildcard before a short one, a long path before a short one. *.example.com stands for ' +
    'everything below example.com, not for example.com.',
  examples: [
    ['domains add www.example.com -a shop', 'routed as soon as it returns'],
    ['domains add example.com -a shop --www redirect', 'www.example.com leads there'],
    ['domains add "*.example.com" -a shop', 'every host below it that is nowhere else'],
    ['domains add example.com/api -a api --strip', 'the app sees /users of example.com/api/users'],
    ['domains add old.example.com -a shop --redirect www.example.com', 'path and query stay'],
  ],
  options: [
    { flags: '--strip', help: 'take the path of the domain away before the app sees it' },
    {
      flags: '--redirect <host>',
      help: 'send clients to the same path of that host, instead of letting the app answer',
    },
    {
      flags: '--status <code>',
      help: 'of the redirect: 301, 302, 307 or 308 (default: 308, which keeps the method)',
      parse: oneOf('--status', STATUSES),
    },
    {
      flags: '--www <what>',
      help: 'with the sister with or without "www.": redirect it here, serve it, or none (default: none)',
      parse: oneOf('--www', WWW),
    },
  ],
  takes: ['app', 'reason', 'wait'],
  run: async (invocation) => {
    const { options } = invocation;
    const use = useOf(options);
    const domain = spelt(invocation);
    const app = await invocation.app();
    const client = await invocation.client();
    const answer = await client.domains.add(app, domain, use, invocation.change);
    const { redirect } = options;
    await settle(
      invocation,
      app,
      answer,
      `${domain} added to ${app}`,
      redirect === undefined
        ? `${domain} leads to ${app} now.`
        : `${domain} redirects to ${redirect} now.`,
    );
    for (const line of proofText(answer)) invocation.out.line(printableLine(line));
  },
});

/** What is still to be done before routers answer for a domain; nothing where all is. */
const proofText = ({ host, ownership }: Pick<Domain, 'host' | 'ownership'>): readonly string[] => {
  const { status, record, until, reason } = ownership;
  if (record === null || status === 'verified') return [];
  return [
    `${host} is not routed before it is proven to be yours (${reason ?? 'nobody looked yet'}).`,
    `Put this TXT record into its DNS${until === null ? '' : ` until ${until}`}:`,
    `  ${record.name}  ${record.value}`,
    `Then: shiplog domains check ${host}`,
  ];
};

const useOf = ({ strip, redirect, status, www }: AddOptions): AddedDomainUse => {
  if (status !== undefined && redirect === undefined) {
    throw usageError('--status is of a redirect', 'Say where to as well: --redirect <host>');
  }
  return {
    ...(strip === undefined ? {} : { strip }),
    ...(www === undefined ? {} : { www }),
    ...(redirect === undefined
      ? {}
      : { redirect: { to: redirect, ...(status === undefined ? {} : { status }) } }),
  };
};

/** Hosts are the same in capitals, paths are not. */
const spelt = ({ args }: Pick<Invocation, 'args'>): string =>
  (args[0] ?? '').replace(/^[^/]*/, (host) => host.toLowerCase());

const check = defineCommand({
  name: 'check',
  args: [DOMAIN],
  summary: 'look now for the DNS record that proves that a domain is yours',
  details: 'The platform looks by itself as well, ever more rarely. What was proven once stays so.',
  examples: [['domains check www.example.com -a shop', 'after the record is in the DNS']],
  takes: ['app', 'reason'],
  run: async (invocation) => {
    const domain = spelt(invocation);
    const app = await invocation.app();
    const answer = await (await invocation.client()).domains.check(app, domain, invocation.change);
    invocation.out.json(answer);
    const { status } = answer.ownership;
    const asked = proofText(answer);
    const said = status === 'verified' ? 'is proven to be yours' : 'has nothing to be proven';
    const lines = asked.length === 0 ? [`${answer.host} ${said}.`] : asked;
    for (const line of lines) invocation.out.line(printableLine(line));
  },
});

const remove = defineCommand({
  name: 'remove',
  args: [DOMAIN],
  summary: 'take a domain away from an app',
  examples: [['domains remove www.example.com -a shop', 'the domain becomes free']],
  takes: ['app', 'reason', 'wait'],
  run: async (invocation) => {
    const domain = spelt(invocation);
    const app = await invocation.app();
    const answer = await (await invocation.client()).domains.remove(app, domain, invocation.change);
    await settle(
      invocation,
      app,
      answer,
      `${domain} removed from ${app}`,
      `${domain} is free; ${app} answers there no more.`,
    );
  },
});

export const domains: GroupSpec = {
  name: 'domains',
  summary: 'read and change custom domains',
  commands: [list, add, check, remove],
};
