import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { usageError } from '../exit-code.js';
import { printableLine } from '../render/printable.js';
import { askSecret, readAllInput } from '../terminal/ask.js';

const show = defineCommand({
  name: 'show',
  summary: 'show who may send requests to an app',
  examples: [
    ['basic-auth show -a shop', 'names; passwords are not kept'],
    ['basic-auth show -a shop --at 3d', 'as it was three days ago'],
  ],
  takes: ['app', 'at'],
  run: async ({ app, client, read, out }) => {
    const { users, passesHeader } = await (await client()).basicAuth.show(await app(), read);
    out.json({ users, passesHeader });
    if (users.length === 0) out.line('Everyone reaches the app: shiplog basic-auth set NAME');
    else {
      out.fields([
        ['users', users.join(', ')],
        ['header', passesHeader ? 'passed on to the app' : 'not passed on to the app'],
      ]);
    }
  },
});

const set = defineCommand({
  name: 'set',
  args: [['<user>', 'name: letters, digits and "._@-", at most 64']],
  summary: 'ask clients of an app for a name and a password',
  details:
    'The password is asked for, or comes from standard input; never from the command line, where others could see ' +
    'it. 8 characters or more, at most 63 bytes; only a hash of it is kept. It counts from the next request on; no ' +
    'instance is started again for it. With the first user the app is closed to everyone else.',
  examples: [
    ['basic-auth set ann -a shop', 'asks for the password'],
    ['basic-auth set ann -a shop < password.txt', 'takes it from a file'],
  ],
  takes: ['app', 'reason'],
  run: async (invocation) => {
    const [user = ''] = invocation.args;
    const app = await invocation.app();
    const { basicAuth } = await invocation.client();
    const password = await readPassword(invocation, user);
    const answer = await basicAuth.change(
      app,
      { set: { [user]: password }, unset: [], open: false },
      invocation.change,
    );
    invocation.out.json(answer);
    invocation.out.line(`${printableLine(user)} reaches ${app} with this password from now on`);
  },
});

const unset = defineCommand<{ readonly open?: boolean }>({
  name: 'unset',
  args: [['<user...>', 'names']],
  summary: 'take users away',
  details:
    'To take the last one away is refused without --open, for then everyone reaches the app.',
  examples: [
    ['basic-auth unset ann bob -a shop', 'they get 401 from the next request on'],
    ['basic-auth unset ann -a shop --open', 'the last one: the app asks nobody any more'],
  ],
  options: [{ flags: '--open', help: 'the last user may go: everyone reaches the app' }],
  takes: ['app', 'reason'],
  run: async (invocation) => {
    const { args, change, options, out } = invocation;
    const app = await invocation.app();
    const body = { set: {}, unset: [...args], open: options.open === true };
    const answer = await (await invocation.client()).basicAuth.change(app, body, change);
    out.json(answer);
    out.line(
      answer.users.length === 0
        ? `Everyone reaches ${app} from now on`
        : `Users of ${app}: ${printableLine(answer.users.join(', '))}`,
    );
  },
});

const header = defineCommand({
  name: 'header',
  args: [['<pass|strip>', 'whether the app sees the Authorization of a client']],
  summary: 'pass the header that clients log in with on to the app, or keep it from it',
  details:
    'At first it is kept from it: the name of the user is in X-Forwarded-User, whichever of both holds.',
  examples: [['basic-auth header pass -a shop', 'for an app that asks for the same password']],
  takes: ['app', 'reason'],
  run: async (invocation) => {
    const [word] = invocation.args;
    if (word !== 'pass' && word !== 'strip') {
      throw usageError(`"${printableLine(word ?? '')}" is neither "pass" nor "strip"`);
    }
    const app = await invocation.app();
    const body = { set: {}, unset: [], open: false, passesHeader: word === 'pass' };
    const { basicAuth } = await invocation.client();
    const answer = await basicAuth.change(app, body, invocation.change);
    invocation.out.json(answer);
    invocation.out.line(
      `${app} ${word === 'pass' ? 'sees' : 'does not see'} the Authorization of clients`,
    );
  },
});

/** What is piped in, without the line end, else the person's answer, twice. */
const readPassword = async ({ io, out }: Invocation, user: string): Promise<string> => {
  if (io.stdin.isTTY !== true) return (await readAllInput(io)).replace(/\r?\n$/, '');
  if (out.isJson) throw usageError('no password', 'Pipe it in.');
  const password = await askSecret(io, `Password of ${printableLine(user)}: `);
  if ((await askSecret(io, 'Once more: ')) === password) return password;
  throw usageError('the two passwords are not the same');
};

export const basicAuth: GroupSpec = {
  name: 'basic-auth',
  summary: 'names and passwords without which nobody reaches an app',
  commands: [show, set, unset, header],
};
