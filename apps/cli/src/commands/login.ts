import { defineCommand, type Invocation } from '../command.js';
import { readContextFile, writeContextFile } from '../connection/context-file.js';
import { openClient } from '../connection/open-client.js';
import { readLocalPlatform } from '../connection/local-platform.js';
import { DEFAULT_URL, isLoopback, parseUrl, sameOrigin } from '../connection/resolve-connection.js';
import { CliError, EXIT, usageError } from '../exit-code.js';
import { printableLine } from '../render/printable.js';
import { askSecret, readAllInput } from '../terminal/ask.js';

interface LoginOptions {
  readonly name?: string;
}

export const login = defineCommand<LoginOptions>({
  name: 'login',
  args: [['[url]', 'address of the API; default: the Shiplog of this machine']],
  summary: 'log in to a Shiplog',
  details:
    'The token is asked for, or comes from standard input or SHIPLOG_TOKEN; never from the command line, where ' +
    'others could see it. It is kept in ~/.config/shiplog/config.json, readable by you only.',
  examples: [
    ['login https://shiplog.example.com', 'asks for the token'],
    ['login https://shiplog.example.com < token.txt', 'takes it from a file'],
    ['login', 'to the one of this machine, if its credentials are yours to read'],
  ],
  options: [{ flags: '--name <context>', help: 'what to call it (default: its host)' }],
  run: async (invocation) => {
    const { io, out, args, options } = invocation;
    const local = await readLocalPlatform(io);
    const url = parseUrl(args[0] ?? io.env['SHIPLOG_URL'] ?? local.ready?.api ?? DEFAULT_URL);
    const name = parseName(options.name ?? new URL(url).host);
    const isLocal = local.ready !== undefined && sameOrigin(local.ready.api, url);
    warnOfPlainText(invocation, url);
    const token = await readToken(invocation, url, isLocal ? local.token : undefined);
    const client = await openClient(io, { url, token });
    const who = await client.platform.whoami();
    const file = await readContextFile(io);
    const path = await writeContextFile(io, {
      current: name,
      contexts: { ...file.contexts, [name]: { url, token } },
    });
    out.json({ context: name, url, user: who.user, platform: who.platform });
    out.line(
      printableLine(`Logged in to ${url} as ${who.user}; kept as context ${name} in ${path}.`),
    );
  },
});

const parseName = (name: string): string => {
  if (/^[A-Za-z0-9][A-Za-z0-9._:[\]-]{0,99}$/.test(name)) return name;
  throw usageError(
    `"${name}" cannot be the name of a context`,
    'Letters, digits and "._:-" are fine.',
  );
};

const warnOfPlainText = ({ out }: Invocation, url: string): void => {
  if (new URL(url).protocol === 'https:' || isLoopback(url)) return;
  out.note(
    `Note: ${url} is not encrypted; whoever is on the way can read the token. Use https://.`,
  );
};

/** SHIPLOG_TOKEN, else what is piped in, else the local credentials, else the person's answer. */
const readToken = async (
  { io, out }: Invocation,
  url: string,
  localToken: string | undefined,
): Promise<string> => {
  const given = io.env['SHIPLOG_TOKEN'];
  if (given) return parseToken(given);
  if (localToken !== undefined) return localToken;
  if (io.stdin.isTTY !== true) return parseToken(await readAllInput(io));
  if (out.isJson) throw usageError('no token', 'Pipe it in, or set SHIPLOG_TOKEN.');
  return parseToken(await askSecret(io, `Token for ${url}: `));
};

const parseToken = (text: string): string => {
  const token = text.trim();
  if (token === '') {
    throw new CliError(EXIT.usage, 'usage', 'no token was given', {
      remedy:
        'Ask an administrator for one (shiplog tokens create NAME) and pipe it in, or set SHIPLOG_TOKEN.',
    });
  }
  // What is no token is not repeated: it may be a password that was pasted in the wrong place.
  if (!/^[\x21-\x7e]{1,512}$/.test(token))
    throw usageError('that is not a token: a token is one word');
  return token;
};
