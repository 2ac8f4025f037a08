import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isTokenUsable, type CommandByAggregate } from '@shiplog/domain';
import type { Aggregate } from '@shiplog/events';
import { faultPoint, onOwnAccount, pathsOf, type ProcessContext } from '@shiplog/runtime';
import { z } from 'zod';
import { hashOfToken, newTokenText, TOKEN_PATTERN } from './token-text.js';

const TEAM_ID = 'default';
const USER_ID = 'admin';

const credentials = z.object({
  url: z.string(),
  user: z.string(),
  token: z.string().regex(TOKEN_PATTERN),
});
type Credentials = z.infer<typeof credentials>;

/**
 * The first administrator is who can read a file in the data directory; there is no page on which
 * somebody else could be faster. The file is written before the log hears of its token: after a crash in
 * between, the next start finds the token in the file and appends it. Whoever deletes the file gets a new
 * token at the next start; a token that was revoked stays revoked.
 */
export const ensureFirstAdministrator = async (context: ProcessContext): Promise<void> => {
  await context.feed.catchUp();
  const userId = await ensureAdministrator(context);
  const file = pathsOf(context.config.home).credentials;
  const url = apiUrl(context);
  const kept = await readCredentials(file);
  if (kept === undefined) {
    const token = newTokenText();
    await writeCredentials(file, { url, user: USER_ID, token });
    faultPoint('api/credentials-written');
    await issue(context, userId, token);
    context.logger.info({ file }, 'administrator-token-issued');
    return;
  }
  await chmod(file, 0o600);
  if (kept.url !== url) await writeCredentials(file, { ...kept, url });
  const state = context.world.tokenByHash(hashOfToken(kept.token));
  if (state.status === 'none') await issue(context, userId, kept.token);
  else if (!isTokenUsable(state, Date.now())) {
    context.logger.warn(
      { file },
      'administrator-token-unusable: it was revoked; delete the file and start again for a new one',
    );
  }
};

/** The administrator there is, or a first one with a team. Every step may be repeated. */
const ensureAdministrator = async (context: ProcessContext): Promise<string> => {
  const users = [...context.world.all('user')].filter((user) => user.status === 'active');
  const administrator = users.find((user) => user.administrator);
  // A first start that died half-way left a user without a team: it is gone through once more.
  if (administrator !== undefined && administrator.userId !== USER_ID) return administrator.userId;
  await append(context, 'team', TEAM_ID, { type: 'CreateTeam', teamId: TEAM_ID, name: 'default' });
  await append(context, 'user', USER_ID, {
    type: 'CreateUser',
    userId: USER_ID,
    name: 'admin',
    administrator: true,
  });
  await append(context, 'team', TEAM_ID, { type: 'AddTeamMember', userId: USER_ID });
  return USER_ID;
};

const issue = (context: ProcessContext, userId: string, text: string): Promise<void> => {
  const hash = hashOfToken(text);
  const tokenId = `tok_${hash.slice(0, 24)}`;
  return append(context, 'token', tokenId, {
    type: 'CreateToken',
    tokenId,
    userId,
    name: 'first administrator',
    hash,
    scope: { kind: 'user' },
    expiresAt: null,
  });
};

const append = async <A extends Aggregate>(
  context: ProcessContext,
  aggregate: A,
  id: string,
  command: CommandByAggregate[A],
): Promise<void> => {
  const result = await context.commands.handle(aggregate, id, command, onOwnAccount(context));
  if (result.outcome === 'accepted') {
    await context.feed.reach(result.position);
  } else if (result.outcome === 'rejected') {
    // Another api starts at the same time, or somebody renamed what we would create.
    context.logger.warn({ aggregate, id, rejection: result.rejection }, 'first-start-step-refused');
  }
};

const apiUrl = ({ config }: ProcessContext): string => {
  const listensEverywhere = config.bind === '0.0.0.0' || config.bind === '::';
  const host = listensEverywhere ? '127.0.0.1' : config.bind;
  return `http://${host.includes(':') ? `[${host}]` : host}:${config.publicApiPort}`;
};

/** Undefined when there is none, or nothing in it that could be used. */
const readCredentials = async (file: string): Promise<Credentials | undefined> => {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return credentials.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

/** Never readable by others, never half there. */
const writeCredentials = async (file: string, content: Credentials): Promise<void> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(content, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
};
