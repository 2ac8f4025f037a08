import { readFile } from 'node:fs/promises';
import type { Certificate } from '@shiplog/api-client';
import { defineCommand, type GroupSpec } from '../command.js';
import { CliError, EXIT, usageError } from '../exit-code.js';
import { parseSeconds } from '../parse/quantity.js';
import { printableLine } from '../render/printable.js';
import type { Column } from '../render/table.js';
import { relativeTime } from '../render/time.js';

const DOMAIN = ['<domain>', 'host such as www.example.com, or *.example.com'] as const;
const ONLY_NOW = 'What there was is in the log: shiplog events --type CertificateInstalled.';

const STATES: Readonly<Record<Certificate['state'], string>> = {
  served: 'served',
  installing: 'on its way to the routers',
  unserved: 'not served: no app answers there, or SHIPLOG_TLS_PORT is not set',
  ordered: 'ordered',
  failed: 'failed',
  expired: 'expired',
};

const list = defineCommand({
  name: 'list',
  summary: 'list certificates with their names and ends',
  examples: [['certs list', 'those of your apps; all of them for administrators']],
  onlyNow: ONLY_NOW,
  run: async ({ client, out, io }) => {
    const all = await (await client()).certificates.list();
    out.json(all);
    const columns: readonly Column<Certificate>[] = [
      { title: 'domain', value: ({ domain }) => domain },
      { title: 'state', value: ({ state }) => STATES[state] },
      { title: 'source', value: ({ source }) => source ?? '' },
      { title: 'issuer', value: ({ issuer }) => printableLine(issuer ?? '') },
      {
        title: 'ends',
        value: ({ notAfter }) => (notAfter ? relativeTime(notAfter, io.now()) : ''),
      },
      { title: 'problem', value: ({ failure }) => printableLine(failure?.summary ?? '') },
    ];
    await out.table(all, columns, 'No certificates.');
  },
});

const show = defineCommand({
  name: 'show',
  args: [DOMAIN],
  summary: 'show the certificate of a domain, and what went wrong with the next one',
  examples: [['certs show www.example.com', 'names, issuer, end, fingerprint, source']],
  onlyNow: ONLY_NOW,
  run: async ({ args, client, out, io }) => {
    const shown = await (await client()).certificates.show(args[0] ?? '');
    out.json(shown);
    const { failure, notAfter, renewAt } = shown;
    out.fields([
      ['Domain', shown.domain],
      ['State', STATES[shown.state]],
      ['Source', shown.source ?? undefined],
      ['Names', shown.names.map(printableLine).join(', ')],
      ['Issuer', printableLine(shown.issuer ?? '')],
      ['Fingerprint', shown.fingerprint ?? undefined],
      ['Ends', notAfter === null ? undefined : `${notAfter} (${relativeTime(notAfter, io.now())})`],
      ['Renewed', renewAt === null ? undefined : relativeTime(renewAt, io.now())],
      ['Failed', failure === null ? undefined : printableLine(failure.summary)],
      [
        'Tried again',
        failure === null
          ? undefined
          : `${relativeTime(failure.retryAt, io.now())}; failed ${failure.attempt} times in a row`,
      ],
    ]);
  },
});

interface AddOptions {
  readonly cert?: string;
  readonly key?: string;
}

const add = defineCommand<AddOptions>({
  name: 'add',
  args: [DOMAIN],
  summary: 'serve an own certificate for a domain, in the place of the one before',
  details:
    'The file of the certificate is PEM and has it first, then those that lead to its root. The key has no ' +
    'passphrase; it is stored encrypted and never shown again. No request fails when it is replaced.',
  examples: [
    ['certs add www.example.com --cert chain.pem --key key.pem', 'served when it returns'],
    ["certs add '*.example.com' --cert chain.pem --key key.pem", 'for every host one label below'],
  ],
  options: [
    { flags: '--cert <file>', help: 'PEM file of the certificate and its chain' },
    { flags: '--key <file>', help: 'PEM file of its private key' },
  ],
  takes: ['reason'],
  run: async ({ args, options: { cert, key }, client, change, out, io }) => {
    if (cert === undefined || key === undefined)
      throw usageError('a file is missing', 'Name both of them: --cert FILE --key FILE');
    const body = { certificate: await textOf(cert), privateKey: await textOf(key) };
    const added = await (await client()).certificates.add(args[0] ?? '', body, change);
    out.json(added);
    const end = relativeTime(added.notAfter, io.now());
    out.line(`The certificate of ${added.domain} is ${STATES[added.state]}; it ends ${end}.`);
  },
});

const textOf = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'there is no such file' : (error.code ?? 'unreadable');
    throw new CliError(EXIT.usage, 'file-unreadable', `${printableLine(file)}: ${why}`);
  });

const remove = defineCommand({
  name: 'remove',
  args: [DOMAIN],
  summary: 'serve a domain without certificate, and delete its key',
  details: 'On a public platform the next one is ordered by itself.',
  examples: [['certs remove www.example.com', 'requests over https to it fail from then on']],
  takes: ['reason'],
  run: async ({ args, client, change, out }) => {
    const answer = await (await client()).certificates.remove(args[0] ?? '', change);
    out.json(answer);
    out.line(`There is no certificate of ${(args[0] ?? '').toLowerCase()} any more.`);
  },
});

interface HttpsOptions {
  readonly redirect?: boolean;
  readonly hsts?: number | 'off';
}

const https = defineCommand<HttpsOptions>({
  name: 'https',
  summary: 'show or set how an app deals with https',
  details:
    'Both count for hosts of the app that have a certificate. Browsers remember what --hsts told them: begin with a short time.',
  examples: [
    ['certs https -a shop', 'how it is'],
    ['certs https -a shop --no-redirect', 'plain http is served, too'],
    [
      'certs https -a shop --hsts 1h',
      'browsers use nothing but https for an hour after each visit',
    ],
    ['certs https -a shop --hsts off', 'they are told nothing more'],
  ],
  options: [
    { flags: '--redirect', help: 'send requests over plain http on to https (default)' },
    { flags: '--no-redirect', help: 'serve them' },
    {
      flags: '--hsts <duration>',
      help: 'how long browsers are to use https alone, such as 365d; or off',
      parse: (text) => (text === 'off' ? text : parseSeconds('--hsts', text)),
    },
  ],
  takes: ['app', 'reason'],
  run: async ({ app, options: { redirect, hsts }, client, change, out }) => {
    const name = await app();
    const { certificates } = await client();
    const body = {
      ...(redirect !== undefined && { redirect }),
      ...(hsts !== undefined && { hstsSeconds: hsts === 'off' ? null : hsts }),
    };
    const policy =
      Object.keys(body).length === 0
        ? await certificates.policy(name)
        : await certificates.changePolicy(name, body, change);
    out.json(policy);
    out.fields([
      ['Plain http', policy.redirect ? 'is sent on to https' : 'is served, too'],
      ['HSTS', policy.hstsSeconds === null ? 'off' : `${policy.hstsSeconds} s`],
    ]);
  },
});

export const certs: GroupSpec = {
  name: 'certs',
  summary: 'certificates, and how apps deal with https',
  commands: [list, show, add, remove, https],
};
