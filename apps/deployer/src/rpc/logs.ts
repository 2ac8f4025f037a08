import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { Session } from '@shiplog/bus';
import { LABEL, engineStatus, ownedBy } from '@shiplog/engine';
import type { ContainerEngine, LogLine } from '../containers/container-engine.port.js';
import { toEngineError } from '../containers/docker-translate.js';
import { engineProblem } from './problem.js';
import { LogDemultiplexer } from '../containers/log-lines.js';
import type { LogsInput } from './input.js';

interface LogTools {
  readonly docker: Docker;
  readonly engine: ContainerEngine;
  readonly platform: string;
  /** Calls back after something may have been started; returns the way to end it. */
  readonly onChange: (appId: string, listener: () => void) => () => void;
}

interface Source {
  readonly containerId: string;
  readonly instance: string;
  readonly process: string;
  readonly isRunning: boolean;
}

const READ_AT_ONCE = 8;
/** A log that broke off while its program runs on (the daemon went away) is taken up again after this. */
const LOOK_AGAIN_MS = 3000;

/** What an app's instances wrote, those that ended too as far as their containers are kept; then, if asked, what they write. */
export const sendLogs = async (
  tools: LogTools,
  input: LogsInput,
  session: Session,
): Promise<void> => {
  // Without the zone's letter it sorts before every line of the same millisecond.
  const beganAt = new Date().toISOString().replace('Z', '');
  const lastTimes = new Map<string, string>();
  for (const { source, line } of await readTail(tools, input)) {
    lastTimes.set(source.containerId, line.time);
    send(session, source, line);
  }
  if (input.follow) await follow(tools, { input, session, lastTimes, beganAt });
  session.end();
};

const send = (session: Session, { instance, process }: Source, line: LogLine): void => {
  const { time, stream, text } = line;
  session.send({ kind: 'line', head: { time, instance, process, stream, text } });
};

/** The last lines of all sources together, by time. */
const readTail = async (tools: LogTools, input: LogsInput) => {
  if (input.tail === 0) return [];
  const sources = await sourcesOf(tools, input);
  const all: { source: Source; line: LogLine }[] = [];
  for (let i = 0; i < sources.length; i += READ_AT_ONCE) {
    const read = sources.slice(i, i + READ_AT_ONCE).map(async (source) => {
      const lines = await tools.engine.lastLines(source.containerId, { lines: input.tail });
      return lines.map((line) => ({ source, line }));
    });
    all.push(...(await Promise.all(read)).flat());
  }
  return all
    .toSorted((a, b) => (a.line.time < b.line.time ? -1 : a.line.time > b.line.time ? 1 : 0))
    .slice(-input.tail);
};

const sourcesOf = async ({ docker, platform }: LogTools, input: LogsInput): Promise<Source[]> => {
  const labels = [`${LABEL.app}=${input.appId}`];
  if (input.process !== undefined) labels.push(`${LABEL.process}=${input.process}`);
  try {
    const found = await docker.listContainers({
      all: true,
      filters: ownedBy(platform, ...labels),
    });
    return found
      .flatMap(({ Id, Labels, Names, State }) => {
        const [name = ''] = Names;
        // Detached commands go by the name that was told when they began; the others are watched.
        const instance =
          Labels[LABEL.instance] ?? (LABEL.detached in Labels ? name.replace('/', '') : undefined);
        if (instance === undefined) return [];
        const process = Labels[LABEL.process] ?? '';
        return { containerId: Id, instance, process, isRunning: State === 'running' };
      })
      .filter(({ instance }) => input.instances?.includes(instance) ?? true);
  } catch (error) {
    throw engineProblem(toEngineError('looking for the containers of an app', error));
  }
};

interface Following {
  readonly input: LogsInput;
  readonly session: Session;
  /** By container: what was sent already. */
  readonly lastTimes: Map<string, string>;
  /** Older lines were sent, or not asked for. */
  readonly beganAt: string;
}

/** Follows every running instance, and takes up those that start later, until the session ends. */
const follow = async (tools: LogTools, following: Following): Promise<void> => {
  const { input, session, lastTimes, beganAt } = following;
  const open = new Map<string, Readable>();
  let isOver = false;

  const attach = async (source: Source): Promise<void> => {
    const sentUntil = lastTimes.get(source.containerId) ?? beganAt;
    const stream = await openLog(tools.docker, source.containerId, sentUntil);
    if (stream === undefined) return;
    if (isOver) return void stream.destroy();
    open.set(source.containerId, stream);
    const demultiplexer = new LogDemultiplexer((line) => {
      // The engine's `since` goes by seconds. What comes from here on is new, even where output and
      // errors arrive a little out of order.
      if (line.time <= sentUntil) return;
      if (line.time > (lastTimes.get(source.containerId) ?? '')) {
        lastTimes.set(source.containerId, line.time);
      }
      send(session, source, line);
    });
    stream.on('data', (chunk: Buffer) => demultiplexer.push(chunk));
    stream.once('close', () => {
      demultiplexer.end();
      open.delete(source.containerId);
    });
    stream.on('error', () => stream.destroy());
  };
  let tail: Promise<unknown> = Promise.resolve();
  let isAsked = false;
  const look = (): void => {
    if (isAsked) return;
    isAsked = true;
    tail = tail
      .then(async () => {
        isAsked = false;
        if (isOver) return;
        const sources = await sourcesOf(tools, input);
        const fresh = sources.filter((s) => s.isRunning && !open.has(s.containerId));
        await Promise.all(fresh.map(attach));
      })
      // An engine that is away for a moment is asked again.
      .catch(() => undefined);
  };
  const unlisten = tools.onChange(input.appId, look);
  const timer = setInterval(look, LOOK_AGAIN_MS);
  look();
  await session.ended;
  isOver = true;
  clearInterval(timer);
  unlisten();
  for (const stream of open.values()) stream.destroy();
};

const openLog = async (
  docker: Docker,
  containerId: string,
  since: string,
): Promise<Readable | undefined> => {
  try {
    const stream = await docker.getContainer(containerId).logs({
      follow: true,
      stdout: true,
      stderr: true,
      timestamps: true,
      since: Math.floor(Date.parse(since.endsWith('Z') ? since : `${since}Z`) / 1000),
    });
    return stream as unknown as Readable;
  } catch (error) {
    if (engineStatus(error) === 404) return undefined;
    throw error;
  }
};
