import { CliError, EXIT, usageError } from '../exit-code.js';
import type { Io } from '../io.js';
import { readContextFile, type ContextFile } from './context-file.js';
import { readLocalPlatform, type LocalPlatform } from './local-platform.js';

interface ResolvedConnection {
  readonly url: string;
  readonly token: string;
  /** Where it comes from, for people: `SHIPLOG_URL`, `context prod`, `/var/lib/shiplog`. */
  readonly source: string;
}

/** Where this run talks to, and as whom: environment, else context, else the platform on this machine. */
export const resolveConnection = async (io: Io): Promise<ResolvedConnection> => {
  const url = io.env['SHIPLOG_URL'] || undefined;
  const token = io.env['SHIPLOG_TOKEN'] || undefined;
  const local = await readLocalPlatform(io);
  const file = await readContextFile(io);
  if (url === undefined) {
    if (token === undefined) return fromContext(file) ?? fromLocal(local);
    return { url: knownUrl(file, local), token, source: 'SHIPLOG_TOKEN' };
  }
  const normal = parseUrl(url);
  return { url: normal, token: token ?? tokenFor(normal, file, local), source: 'SHIPLOG_URL' };
};

const knownUrl = ({ current, contexts }: ContextFile, { ready }: LocalPlatform): string =>
  (current === null ? undefined : contexts[current]?.url) ?? ready?.api ?? DEFAULT_URL;

export const DEFAULT_URL = 'http://127.0.0.1:4600';

const fromContext = ({ current, contexts }: ContextFile): ResolvedConnection | undefined => {
  const context = current === null ? undefined : contexts[current];
  return context === undefined ? undefined : { ...context, source: `context ${current}` };
};

const fromLocal = ({ home, ready, isAlive, token }: LocalPlatform): ResolvedConnection => {
  if (ready === undefined || !isAlive) {
    throw new CliError(
      EXIT.unreachable,
      'unreachable',
      ready === undefined
        ? `no Shiplog runs on this machine (there is no ready.json in ${home}), and you are not logged in to another one`
        : `the Shiplog of ${home} is not running any more (process ${ready.pid} has ended)`,
      { remedy: 'Start it with `npm start`, or log in to another one: shiplog login URL' },
    );
  }
  if (token === undefined) {
    throw new CliError(
      EXIT.refused,
      'unauthenticated',
      `you are not logged in, and ${home}/credentials.json is not yours to read`,
      {
        remedy: `Ask its owner for a token (shiplog tokens create NAME), then: shiplog login ${ready.api}`,
      },
    );
  }
  return { url: ready.api, token, source: home };
};

/** A token known for exactly this address. A token never goes to another one. */
const tokenFor = (url: string, file: ContextFile, local: LocalPlatform): string => {
  const known = Object.values(file.contexts).find((context) => sameOrigin(context.url, url));
  if (known !== undefined) return known.token;
  if (local.ready !== undefined && local.token !== undefined && sameOrigin(local.ready.api, url)) {
    return local.token;
  }
  throw new CliError(EXIT.refused, 'unauthenticated', `no token for ${url}`, {
    remedy: `Set SHIPLOG_TOKEN, or log in: shiplog login ${url}`,
  });
};

export const sameOrigin = (a: string, b: string): boolean => {
  try {
    return new URL(a).origin === new URL(b).origin;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
};

/** Whether the address stays on this machine: nobody is on the way, and no proxy leads there. */
export const isLoopback = (url: string): boolean =>
  /^(?:(?:.*\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);

/** An address of an API as a person types it: `http://` may be left out. */
export const parseUrl = (text: string): string => {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const parsed = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (
    parsed === undefined ||
    !['http:', 'https:'].includes(parsed.protocol) ||
    parsed.hostname === ''
  ) {
    throw usageError(`"${text}" is not the address of an API`, `Write for example ${DEFAULT_URL}`);
  }
  if (
    parsed.username !== '' ||
    parsed.password !== '' ||
    parsed.search !== '' ||
    parsed.hash !== ''
  ) {
    throw usageError(
      'the address of an API has no user, password, "?" or "#" in it',
      `Write for example ${DEFAULT_URL}`,
    );
  }
  return parsed.href.replace(/\/+$/, '');
};
