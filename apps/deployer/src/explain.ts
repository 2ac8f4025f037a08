import type { Explanation } from '@shiplog/events';
import { formatSocket, judgeListening, type ListeningSocket } from './probes/listening.js';
import type { Trouble } from './containers/notes.js';
import { meaning, moreMemory, remedyForExit } from './explain-exit.js';

/** What is known of the instance that failed. Log lines are blotted out before they come here. */
export interface Evidence {
  readonly instanceId: string | null;
  readonly process: string;
  readonly containerPort: number | null;
  readonly healthPath: string | null;
  /** A check that somebody set and that it did not pass, as it is named; absent: it was asked by default. */
  readonly failedCheck?: string | null;
  readonly memoryBytes: number;
  readonly exit: { readonly exitCode: number | null; readonly oomKilled: boolean } | null;
  readonly starts: number;
  readonly logLines: readonly string[];
  /** Undefined where the sockets could not be read. */
  readonly listening: readonly ListeningSocket[] | undefined;
  readonly probe: string | null;
  readonly trouble: Trouble | null;
}

type Part = Pick<Explanation, 'code' | 'summary' | 'remedy' | 'tried'>;

const LINES_MAX = 30;
const LINE_CHARACTERS_MAX = 500;

const explanation = (part: Part, evidence: Partial<Evidence> = {}): Explanation => ({
  code: part.code,
  summary: clip(part.summary),
  remedy: part.remedy === null ? null : clip(part.remedy),
  tried: part.tried,
  probe: evidence.probe == null ? null : clip(evidence.probe),
  listening: (evidence.listening ?? []).slice(0, 32).map(formatSocket),
  exitCode: evidence.exit?.exitCode ?? null,
  oomKilled: evidence.exit?.oomKilled ?? false,
  instanceId: evidence.instanceId ?? null,
  logLines: lastLines(evidence.logLines ?? []),
});

const TEXT_CHARACTERS_MAX = 2000;
const clip = (text: string): string => text.slice(0, TEXT_CHARACTERS_MAX);

/** Short enough for an event, whatever the program wrote. */
export const lastLines = (lines: readonly string[]): string[] =>
  lines.slice(-LINES_MAX).map((line) => line.slice(0, LINE_CHARACTERS_MAX));

/** It ended instead of running. */
export const explainCrash = (evidence: Evidence): Explanation => {
  const tried = `started ${times(evidence.starts)}; it ended each time`;
  const exitCode = evidence.exit?.exitCode ?? null;
  const notExecuted = findNotExecuted(evidence);
  if (notExecuted !== null) return explainNotCreated({ ...evidence, trouble: notExecuted });
  if (evidence.exit?.oomKilled === true) {
    return explanation(
      {
        code: 'out-of-memory',
        summary: `${evidence.process} ran out of memory: its limit is ${megabytes(evidence.memoryBytes)}`,
        remedy: moreMemory(evidence),
        tried,
      },
      evidence,
    );
  }
  return explanation(
    {
      code: 'exited',
      summary: `${evidence.process} exited with code ${exitCode ?? 'unknown'}${meaning(exitCode)}`,
      remedy: remedyForExit(evidence, exitCode),
      tried,
    },
    evidence,
  );
};

/** The first process of every instance is the engine's init: it is what says that a command cannot be run. */
const findNotExecuted = ({ exit, logLines }: Evidence): Trouble | null => {
  if (exit?.exitCode !== 126 && exit?.exitCode !== 127) return null;
  for (const line of logLines) {
    const said = /tini.* exec (.+ failed: .+)$/.exec(line)?.[1];
    if (said === undefined) continue;
    return { code: exit.exitCode === 127 ? 'no-such-executable' : 'not-executable', said };
  }
  return null;
};

/** It runs and does not become ready. */
export const explainNotReady = (evidence: Evidence, afterSeconds: number): Explanation => {
  const tried = `asked for ${afterSeconds} s`;
  const { containerPort: port, listening } = evidence;
  if (port === null || listening === undefined) return unhealthy(evidence, tried);
  switch (judgeListening(listening, port)) {
    case 'reachable':
      return unhealthy(evidence, tried);
    case 'loopback-only': {
      const at = listening.filter((socket) => socket.port === port).map(formatSocket);
      return explanation(
        {
          code: 'wrong-address',
          summary: `listens on ${at.join(', ')}; bind 0.0.0.0`,
          remedy: `let ${evidence.process} listen on 0.0.0.0:${port} instead of the loopback address`,
          tried,
        },
        evidence,
      );
    }
    case 'other-port':
      return otherPort(evidence, { port, listening, tried });
    case 'nothing':
      return explanation(
        {
          code: 'not-listening',
          summary: `${evidence.process} runs and listens on no port; it was expected on 0.0.0.0:${port}`,
          remedy: 'let it listen on the port in $PORT, or name another with --port',
          tried,
        },
        evidence,
      );
  }
};

const otherPort = (
  evidence: Evidence,
  seen: { port: number; listening: readonly ListeningSocket[]; tried: string },
): Explanation => {
  const at = seen.listening.map(formatSocket);
  // A debugger or a metrics server on loopback is not what should be reached.
  const reachable = seen.listening.find(
    ({ port }) => judgeListening(seen.listening, port) === 'reachable',
  );
  const isLoopback = reachable === undefined;
  const other = (reachable ?? seen.listening[0])?.port ?? seen.port;
  return explanation(
    {
      code: isLoopback ? 'wrong-address' : 'wrong-port',
      summary: isLoopback
        ? `listens on ${at.join(', ')}; bind 0.0.0.0 or set --port`
        : `listens on ${at.join(', ')}; set --port ${other} or use $PORT`,
      remedy: isLoopback
        ? `let it listen on 0.0.0.0:$PORT ($PORT is ${seen.port}), or bind 0.0.0.0 and set --port ${other}`
        : `let it listen on $PORT (${seen.port}), or set --port ${other}`,
      tried: seen.tried,
    },
    evidence,
  );
};

const unhealthy = (evidence: Evidence, tried: string): Explanation => {
  const failed = evidence.failedCheck ?? null;
  if (failed !== null) return checkFailed(evidence, failed, tried);
  return explanation(
    {
      code: 'unhealthy',
      summary:
        evidence.healthPath === null
          ? `${evidence.process} did not become ready: ${evidence.probe ?? 'no answer'}`
          : `the health check did not pass: ${evidence.probe ?? 'no answer'}`,
      remedy:
        evidence.healthPath === null
          ? 'let it accept connections on $PORT'
          : `let GET ${evidence.healthPath} answer 2xx or 3xx, or set another health path`,
      tried,
    },
    evidence,
  );
};

const checkFailed = (evidence: Evidence, check: string, tried: string): Explanation =>
  explanation(
    {
      code: 'unhealthy',
      summary: `the health check did not pass: ${evidence.probe ?? 'no answer'}`,
      remedy: `let ${evidence.process} pass the check "${check}", or set another one: shiplog settings set --help`,
      tried: `${tried}: ${check}`,
    },
    evidence,
  );

/** The engine would not make or start it. */
export const explainNotCreated = (evidence: Evidence): Explanation => {
  const said = (evidence.trouble?.said ?? 'the engine gave no reason').slice(0, 1500);
  switch (evidence.trouble?.code) {
    case 'no-such-executable':
      return explanation(
        {
          code: 'no-such-executable',
          summary: `the command of ${evidence.process} does not exist in the image: ${said}`,
          remedy:
            'check the command in the Procfile or the Dockerfile; an image without a shell needs a list of words',
          tried: null,
        },
        evidence,
      );
    case 'not-executable':
      return explanation(
        {
          code: 'not-executable',
          summary: `the command of ${evidence.process} cannot be executed: ${said}`,
          remedy: 'give the file the executable bit, and build it for this machine',
          tried: null,
        },
        evidence,
      );
    case 'image-missing':
      return explainImageLost('its image is not on this machine', evidence);
    case 'pull-failed':
      return explainImageLost(`its image could not be pulled: ${said}`, evidence);
    case 'no-answer':
      return explanation(
        {
          code: 'engine-silent',
          summary: `the engine was asked to run ${evidence.process} and did not answer: ${said}`,
          remedy: 'see what holds up the engine (its log; shiplog doctor), then deploy again',
          tried: null,
        },
        evidence,
      );
    case 'unsupported':
      return explanation(
        {
          code: 'unsupported',
          summary: `this machine cannot run ${evidence.process} as the settings want it: ${said}`,
          remedy: 'change the setting: shiplog settings show; or prepare the machine',
          tried: null,
        },
        evidence,
      );
    case 'volume-missing':
      return explanation(
        {
          code: 'volume-missing',
          summary: `${evidence.process} is not started: ${said}`,
          remedy:
            'bring the volume back (is its disk mounted?), or begin with an empty one: shiplog volumes recreate NAME --confirm NAME',
          tried: null,
        },
        evidence,
      );
    case 'key-missing':
      return explanation(
        {
          code: 'config-unreadable',
          summary: 'the config of this app cannot be decrypted: its key is not in the key store',
          remedy: 'restore the key from a backup, or set all config values again',
          tried: null,
        },
        evidence,
      );
    default:
      return explanation(
        {
          code: 'engine-refused',
          summary: `the engine refused to run ${evidence.process}: ${said}`,
          remedy: 'see what the engine says; shiplog doctor checks this machine',
          tried: null,
        },
        evidence,
      );
  }
};

export const explainImageLost = (said: string, evidence: Partial<Evidence> = {}): Explanation =>
  explanation(
    {
      code: 'image-missing',
      summary: said,
      remedy: 'deploy again, or roll back to a release whose image exists',
      tried: null,
    },
    evidence,
  );

/** Not one instance had a place to run in all the time. */
export const explainNoPlace = (trouble: Trouble | null, afterSeconds: number): Explanation =>
  explanation({
    code: 'no-place',
    summary: `there was no place for all instances: ${trouble?.said ?? 'none was made in time'}`,
    remedy:
      trouble?.code === 'port-taken'
        ? 'see what holds the ports, or name others in SHIPLOG_INSTANCE_PORTS'
        : 'try again; shiplog doctor checks this machine',
    tried: `tried for ${afterSeconds} s`,
  });

/** Everything is ready, and no router says that it routes to it. */
export const explainNotRouted = (afterSeconds: number): Explanation =>
  explanation({
    code: 'not-routed',
    summary: 'the new instances are ready, but no router confirmed that it routes to them',
    remedy: 'check that router-sync and its proxy run: shiplog doctor',
    tried: `waited ${afterSeconds} s for the routers`,
  });

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);
const MEGABYTE = 1024 * 1024;
const megabytes = (bytes: number): string => `${Math.round(bytes / MEGABYTE)} MB`;
