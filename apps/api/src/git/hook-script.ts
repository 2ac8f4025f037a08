import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';

/** Environment variables by which a hook finds the api process that started its git. */
export const HOOK_ENVIRONMENT = {
  socket: 'SHIPLOG_HOOK_SOCKET',
  /** Known to this one push only; tells the api which app and person it is. */
  secret: 'SHIPLOG_HOOK_SECRET',
  node: 'SHIPLOG_HOOK_NODE',
} as const;

/**
 * The program behind both hooks. It decides nothing: it hands the pushed refs to the api, prints what
 * the api says, and ends as the api wants. `pre-receive` speaks lines with git; `proc-receive` packets
 * (gitprotocol-common(5), githooks(5)). Plain JavaScript, because git starts it as a file.
 */
const PROGRAM = String.raw`'use strict';
const net = require('node:net');
const mode = process.argv[2];
const env = process.env;

const say = (text) => process.stderr.write(text + '\n');

const readAll = (stream) =>
  new Promise((resolve, reject) => {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => resolve(Buffer.concat(chunks)));
    stream.on('error', reject);
  });

/** Packets from git, one at a time; null is a flush. */
const packetReader = (stream) => {
  let buffer = Buffer.alloc(0);
  let ended = false;
  let wake = () => {};
  stream.on('data', (chunk) => { buffer = Buffer.concat([buffer, chunk]); wake(); });
  stream.on('end', () => { ended = true; wake(); });
  return async () => {
    for (;;) {
      if (buffer.length >= 4) {
        const length = parseInt(buffer.toString('latin1', 0, 4), 16);
        if (length === 0) { buffer = buffer.subarray(4); return null; }
        if (buffer.length >= length) {
          const text = buffer.toString('utf8', 4, length).replace(/\n$/, '');
          buffer = buffer.subarray(length);
          return text;
        }
      }
      if (ended) return null;
      await new Promise((resolve) => { wake = resolve; });
    }
  };
};
const packet = (text) => {
  const bytes = Buffer.from(text + '\n');
  return (bytes.length + 4).toString(16).padStart(4, '0') + bytes.toString('latin1');
};

const updateOf = (line) => {
  const [before, after, ...ref] = line.split(' ');
  return { before, after, ref: ref.join(' ') };
};

const ask = (updates, onAnswer) =>
  new Promise((resolve) => {
    const options = [];
    for (let i = 0; i < Number(env.GIT_PUSH_OPTION_COUNT || 0); i += 1) {
      options.push(env['GIT_PUSH_OPTION_' + i] || '');
    }
    const quarantine = {};
    for (const name of ['GIT_QUARANTINE_PATH', 'GIT_OBJECT_DIRECTORY', 'GIT_ALTERNATE_OBJECT_DIRECTORIES']) {
      if (env[name]) quarantine[name] = env[name];
    }
    const socket = net.connect(env.${HOOK_ENVIRONMENT.socket});
    let rest = '';
    let isDone = false;
    const lost = () => {
      if (isDone) return;
      isDone = true;
      say('the connection to the platform was lost; a build that was requested goes on by itself: shiplog builds list');
      resolve(undefined);
    };
    socket.setEncoding('utf8');
    socket.on('connect', () =>
      socket.write(JSON.stringify({ secret: env.${HOOK_ENVIRONMENT.secret}, mode, updates, options, quarantine }) + '\n'),
    );
    socket.on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        const answer = JSON.parse(line);
        if (answer.text !== undefined) say(answer.text);
        if (answer.end !== undefined) { isDone = true; socket.end(); resolve(answer.end); }
      }
    });
    socket.on('error', lost);
    socket.on('close', lost);
  });

const preReceive = async () => {
  const text = (await readAll(process.stdin)).toString('utf8');
  const end = await ask(text.split('\n').filter(Boolean).map(updateOf));
  process.exitCode = end && end.accepted ? 0 : 1;
};

const procReceive = async () => {
  const next = packetReader(process.stdin);
  while ((await next()) !== null);
  process.stdout.write(packet('version=1') + '0000');
  const updates = [];
  for (let line = await next(); line !== null; line = await next()) updates.push(updateOf(line));
  const end = await ask(updates);
  const refused = (end && end.refused) || undefined;
  const results = updates.map(({ ref }) => {
    const why = refused === undefined ? 'the platform did not answer' : refused[ref];
    return why === undefined ? packet('ok ' + ref) : packet('ng ' + ref + ' ' + why);
  });
  process.stdout.write(Buffer.from(results.join('') + '0000', 'latin1'));
};

(mode === 'pre-receive' ? preReceive() : procReceive()).catch((error) => {
  say('the platform could not be asked: ' + error.message);
  process.exitCode = 1;
});
`;

/** Two lines of shell without any text of a user: where Node.js is says the environment. */
const launcher = (mode: string): string =>
  `#!/bin/sh\nexec "$${HOOK_ENVIRONMENT.node}" "\${0%/*}/hook.cjs" ${mode}\n`;

/** Writes the hooks, each replaced in one step: another api process may be running them. */
export const installHooks = async (directory: string): Promise<void> => {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await replace(join(directory, 'hook.cjs'), PROGRAM, 0o600);
  for (const mode of ['pre-receive', 'proc-receive']) {
    await replace(join(directory, mode), launcher(mode), 0o700);
  }
};

const replace = async (path: string, content: string, mode: number): Promise<void> => {
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(fresh, content, { mode });
  await chmod(fresh, mode);
  await rename(fresh, path);
};
