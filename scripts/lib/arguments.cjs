'use strict';

const START_HELP = `Usage: npm start -- [options]

Starts the whole platform on this machine: installs what is missing, builds, starts, deploys the
sample app on the first start, and stays in the foreground. Ctrl-C stops the control plane and
leaves apps and their routing running.

Options:
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
  ['--help', (o) => (o.help = true)],
  ['-h', (o) => (o.help = true)],
]);

/** Options of `npm start`; an unknown one is an error that names what is known. */
const parseStartArguments = (argv) => {
  const options = { yes: false, sample: true, help: false };
  for (const argument of argv) {
    const set = KNOWN.get(argument);
    if (set === undefined) {
      const known = [...KNOWN.keys()].filter((name) => name.startsWith('--')).join(', ');
      const error = new Error(`unknown option ${argument}; known are ${known}`);
      error.code = 'usage';
      throw error;
    }
    set(options);
  }
  return options;
};

module.exports = { parseStartArguments, START_HELP };
