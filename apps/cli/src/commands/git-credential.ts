import { defineCommand, type Invocation } from '../command.js';
import { readContextFile } from '../connection/context-file.js';
import { readLocalPlatform } from '../connection/local-platform.js';
import { resolveConnection, sameOrigin } from '../connection/resolve-connection.js';
import { readAllInput } from '../terminal/ask.js';

/** What git asks (gitcredentials(7)): lines of `key=value`, and the answer in the same form. */
export const gitCredential = defineCommand({
  name: 'git-credential',
  args: [['<operation>', 'get, store or erase']],
  summary: 'answer git, which asks for a password',
  examples: [['git-credential get', 'called by git; set up by: shiplog git remote']],
  hidden: true,
  run: async (invocation) => {
    const { args, io } = invocation;
    // Nothing is stored or erased for git: logging in does that.
    if (args[0] !== 'get') return;
    const asked = parseCredentialRequest(await readAllInput(io));
    const { protocol, host } = asked;
    if (protocol === undefined || host === undefined) return;
    const token = await tokenFor(invocation, `${protocol}://${host}`);
    // Without an answer git asks the person.
    if (token !== undefined) io.stdout.write(`username=shiplog\npassword=${token}\n`);
  },
});

const parseCredentialRequest = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const equals = line.indexOf('=');
      return equals < 1 ? [] : [[line.slice(0, equals), line.slice(equals + 1)]];
    }),
  );

/** The token that is known for exactly this server, and no other one. */
const tokenFor = async ({ io }: Invocation, origin: string): Promise<string | undefined> => {
  const current = await resolveConnection(io).catch(() => undefined);
  if (current !== undefined && sameOrigin(current.url, origin)) return current.token;
  const { contexts } = await readContextFile(io);
  const known = Object.values(contexts).find(({ url }) => sameOrigin(url, origin));
  if (known !== undefined) return known.token;
  const { ready, token } = await readLocalPlatform(io);
  return ready !== undefined && sameOrigin(ready.api, origin) ? token : undefined;
};
