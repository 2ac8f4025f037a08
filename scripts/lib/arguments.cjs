'use strict';

const START_HELP = `Usage: npm start -- [options]

Starts the whole platform on this machine: installs what is missing, builds, starts, deploys the
sample app on the first start, and stays in the foreground. Ctrl-C stops the control plane and
leaves apps and their routing running.

Options:
  --public DOMAIN  be reached from everywhere: API, git and console at https://DOMAIN, apps at
                   https://APP.DOMAIN, certificates by themselves (docs/https.md); needs --email
  --email ADDRESS  address that the certificate authority writes to
  --yes         do not ask before installing packages (also without a terminal)
  --no-sample   do not deploy the sample app on the first start
  --help        this text

Environment: SHIPLOG_HOME, SHIPLOG_PLATFORM, SHIPLOG_DOMAIN, SHIPLOG_API_PORT (4600),
SHIPLOG_ROUTER_PORT (8080), SHIPLOG_NATS_PORT (4610). See docs/configuration.md.
`;

const KNOWN = new Map([
  ['--yes', (o) => (o.yes = true)],
  ['-y', (o) => (o.yes = true)],
  ['--no-sample', (o) => (o.sample = false)],
  ['--public', (o, domain) => (o.public = domain)],
  ['--email', (o, address) => (o.email = address)],
  ['--help', (o) => (o.help = true)],
  ['-h', (o) => (o.help = true)],
]);

/** Options that are followed by a value. */
const WITH_VALUE = new Set(['--public', '--email']);

const usage = (message) => Object.assign(new Error(message), { code: 'usage' });

/** Options of `npm start`; an unknown one is an error that names what is known. */
const parseStartArguments = (argv) => {
  const options = { yes: false, sample: true, help: false };
  for (let i = 0; i < argv.length; i += 1) {
    const [name, inline] = argv[i].startsWith('--') ? argv[i].split(/=(.*)/s) : [argv[i]];
    const set = KNOWN.get(name);
    if (set === undefined || (inline !== undefined && !WITH_VALUE.has(name))) {
      const known = [...KNOWN.keys()].filter((one) => one.startsWith('--')).join(', ');
      throw usage(`unknown option ${argv[i]}; known are ${known}`);
    }
    if (!WITH_VALUE.has(name)) {
      set(options);
      continue;
    }
    const value = inline ?? argv[(i += 1)];
    if (value === undefined || value === '' || value.startsWith('-'))
      throw usage(`${name} is without its value: --public DOMAIN --email ADDRESS`);
    set(options, value);
  }
  if ((options.public === undefined) !== (options.email === undefined))
    throw usage('--public and --email go together: --public DOMAIN --email ADDRESS');
  return options;
};

/** What the options mean to the processes: configuration, as everything else. */
const environmentOf = ({ public: domain, email }) =>
  domain === undefined
    ? {}
    : { SHIPLOG_PUBLIC: 'yes', SHIPLOG_DOMAIN: domain.toLowerCase(), SHIPLOG_ACME_EMAIL: email };

module.exports = { parseStartArguments, environmentOf, START_HELP };
