import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { linesOf } from '@shiplog/runtime';
import { z } from 'zod';

const objectName = z.string().regex(/^[0-9a-f]{40,64}$/);

const question = z.object({
  secret: z.string(),
  mode: z.enum(['pre-receive', 'proc-receive']),
  updates: z.array(z.object({ before: objectName, after: objectName, ref: z.string().min(1) })),
  options: z.array(z.string()),
  quarantine: z.object({
    GIT_QUARANTINE_PATH: z.string().optional(),
    GIT_OBJECT_DIRECTORY: z.string().optional(),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: z.string().optional(),
  }),
});
export type HookQuestion = z.infer<typeof question>;

export interface HookAnswer {
  /** For `pre-receive`: may all refs be stored? */
  readonly accepted: boolean;
  /** For `proc-receive`: refs that are not moved, and why. */
  readonly refused?: Readonly<Record<string, string>>;
}

/** Answers the hooks of one push. `say` prints a line on the pusher's terminal. */
export type AnswerHook = (
  asked: HookQuestion,
  say: (text: string) => void,
  signal: AbortSignal,
) => Promise<HookAnswer>;

export interface HookServer {
  readonly socketPath: string;
  /** A secret for one push; the hooks that show it are answered by `answer`. */
  register(answer: AnswerHook): { readonly secret: string; forget(): void };
  stop(): Promise<void>;
}

/** Kernels take about a hundred characters for a socket's path. */
const SOCKET_PATH_CHARACTERS_MAX = 97;

/** A hook asks at once or never. */
const QUESTION_TIMEOUT_MS = 30_000;

/**
 * Where git's hooks ask what to do. A socket in a short directory that only this user can enter, and a
 * secret for each push: whoever does not know it is not answered.
 */
export const startHookServer = async (
  directory: string,
  onError: (error: unknown) => void,
): Promise<HookServer> => {
  const { socketPath, remove } = await freshSocket(directory);
  const pushes = new Map<string, AnswerHook>();
  const sockets = new Set<Socket>();
  const abort = new AbortController();

  const serve = async (socket: Socket): Promise<void> => {
    const say = (text: string): void => void socket.write(`${JSON.stringify({ text })}\n`);
    const asked = await readQuestion(socket);
    const answer = pushes.get(asked?.secret ?? '');
    if (asked === undefined || answer === undefined) return void socket.destroy();
    const end = await answer(asked, say, abort.signal);
    socket.end(`${JSON.stringify({ end })}\n`);
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket).catch((error: unknown) => {
      onError(error);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });

  return {
    socketPath,
    register: (answer) => {
      const secret = randomBytes(32).toString('hex');
      pushes.set(secret, answer);
      return { secret, forget: () => pushes.delete(secret) };
    },
    stop: async () => {
      abort.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const timer = setTimeout(() => sockets.forEach((socket) => socket.destroy()), 1_000);
      await closed;
      clearTimeout(timer);
      await remove();
    },
  };
};

/** In our own directory where its path is short enough, else in a private one made for it. */
const freshSocket = async (
  directory: string,
): Promise<{ socketPath: string; remove: () => Promise<void> }> => {
  const socketPath = join(directory, `${randomBytes(4).toString('hex')}.sock`);
  if (socketPath.length <= SOCKET_PATH_CHARACTERS_MAX) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await removeDeadSockets(directory);
    return { socketPath, remove: () => rm(socketPath, { force: true }) };
  }
  const own = await mkdtemp('/tmp/shiplog-');
  const remove = (): Promise<void> => rm(own, { recursive: true, force: true });
  return { socketPath: join(own, 'hook.sock'), remove };
};

/** Of processes that were killed. Others may be alive: several api processes share the directory. */
const removeDeadSockets = async (directory: string): Promise<void> => {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (name.endsWith('.sock') && (await isDead(path))) await rm(path, { force: true });
  }
};

const isDead = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });

const readQuestion = async (socket: Socket): Promise<HookQuestion | undefined> => {
  const timer = setTimeout(() => socket.destroy(), QUESTION_TIMEOUT_MS);
  try {
    // The answer goes over the same socket.
    const pieces = socket.iterator({ destroyOnReturn: false });
    for await (const line of linesOf(pieces)) {
      const parsed = question.safeParse(parseJson(line));
      return parsed.success ? parsed.data : undefined;
    }
  } catch {
    // It ended in the middle of what it asked.
  } finally {
    clearTimeout(timer);
    // Its end is noticed by who reads.
    socket.resume();
  }
  return undefined;
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
