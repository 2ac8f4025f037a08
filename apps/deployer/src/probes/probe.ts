import type { WebProtocol } from '@shiplog/events';
import { probeHttp } from './http.js';
import { isHere, judgeListening, readListening } from './listening.js';
import { knock } from './reach.js';
import { type Sleep } from './sleep.js';
import { probeTcp, type ProbeAnswer } from './tcp.js';

export interface ProbeTarget {
  readonly container: { readonly id: string; readonly pid: number | null };
  /** Null for a process that is not reached over the network: it is ready when it stays up. */
  readonly web: {
    readonly host: string;
    readonly port: number;
    readonly containerPort: number;
    /** Its own in its team's network; null where the engine chooses one. */
    readonly address: string | null;
    readonly healthPath: string | null;
    readonly virtualHost: string;
    /** What it speaks; absent: HTTP/1.1. */
    readonly protocol?: WebProtocol;
  } | null;
  readonly startedAtMs: number;
}

/** Asks an instance once. */
export type AskInstance = (target: ProbeTarget, nowMs: number) => Promise<ProbeAnswer>;

/** One more thing that an instance has to pass before it is ready. */
export interface Question {
  readonly ask: () => Promise<ProbeAnswer | null>;
  /** Good answers in a row. */
  readonly successes: number;
  /** From the start of the run to the first question. */
  readonly delayMs: number;
  readonly intervalMs: number;
}

interface ProbeOptions {
  /** Null: only the questions count. */
  readonly ask: AskInstance | null;
  /** Asked in turn, once the instance was asked as every one is. */
  readonly then?: readonly Question[];
  /** False ends the asking: the run ended, or nobody wants it any more. */
  readonly isWanted: () => boolean;
  readonly onAnswer: (answer: ProbeAnswer) => void;
  /** How many are asked at this time. */
  readonly askedNow: () => number;
  readonly nowMs: () => number;
  readonly sleep: Sleep;
  readonly signal: AbortSignal;
}

/** A process without a port is ready after it stayed up this long. */
const STAYS_UP_MS = 1000;
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 1000;
/** The pause grows to a tenth of the time already waited. */
const PAUSE_SHARE = 0.1;
/** Many that start at once take each other's time, and asking takes it from all: together a hundred questions a second. */
const PAUSE_MS_EACH = 10;

/** Asks until the instance is ready (true), or nobody wants to know any more (false). */
export const probeUntilReady = async (
  target: ProbeTarget,
  options: ProbeOptions,
): Promise<boolean> => {
  const { ask, then = [], nowMs } = options;
  const waitedMs = (): number => nowMs() - target.startedAtMs;
  const pauseMs = (): number =>
    Math.min(
      PAUSE_MS_MAX,
      Math.max(PAUSE_MS_MIN, waitedMs() * PAUSE_SHARE, options.askedNow() * PAUSE_MS_EACH),
    );
  const isReady =
    ask === null ||
    (await passes(
      {
        ask: () => ask(target, nowMs()),
        successes: 1,
        pauseMs,
      },
      options,
    ));
  if (!isReady) return false;
  for (const { intervalMs, delayMs, ...question } of then) {
    const leftMs = delayMs - waitedMs();
    if (leftMs > 0) await options.sleep(leftMs, options.signal);
    if (!(await passes({ ...question, pauseMs: () => intervalMs }, options))) return false;
  }
  return options.isWanted() && !options.signal.aborted;
};

interface Paced extends Pick<Question, 'ask' | 'successes'> {
  readonly pauseMs: () => number;
}

const passes = async (
  { ask, successes, pauseMs }: Paced,
  { isWanted, onAnswer, sleep, signal }: ProbeOptions,
): Promise<boolean> => {
  let good = 0;
  while (isWanted() && !signal.aborted) {
    const answer = await ask();
    if (!isWanted()) return false;
    if (answer !== null) {
      onAnswer(answer);
      good = answer.isReady ? good + 1 : 0;
    }
    if (good >= successes) return true;
    await sleep(pauseMs(), signal);
  }
  return false;
};

export const askInstance: AskInstance = async ({ container, web, startedAtMs }, nowMs) => {
  if (web === null) {
    const upMs = nowMs - startedAtMs;
    return { isReady: upMs >= STAYS_UP_MS, got: `up for ${Math.max(0, upMs)} ms` };
  }
  const isListening = await listens(container, web, nowMs - startedAtMs);
  if (isListening === false) return { isReady: false, got: 'connection refused' };
  if (web.healthPath !== null) {
    return await probeHttp({ ...web, path: web.healthPath });
  }
  if (isListening === true) return { isReady: true, got: 'listening' };
  return await probeTcp(web.host, web.port);
};

/** From here on the kernel's table is asked as well: a firewall may refuse for a program that is there. */
const TABLE_AFTER_MS = 3_000;

/**
 * Does the program listen where it can be reached? Undefined where its processes are not here to see. Its address
 * is asked, and refused by the kernel as long as nothing listens. The kernel's table of its sockets needs no
 * address and is exact, but with a dozen instances starting it was a third of what a scale costs the control plane [M].
 */
const listens = async (
  container: ProbeTarget['container'],
  { address, containerPort }: NonNullable<ProbeTarget['web']>,
  upMs: number,
): Promise<boolean | undefined> => {
  // Elsewhere the address may be somebody else's.
  if (!isHere(container)) return undefined;
  const answer = address === null ? 'unknown' : await knock(address, containerPort);
  if (answer === 'accepted') return true;
  if (answer === 'refused' && upMs < TABLE_AFTER_MS) return false;
  const sockets = await readListening(container);
  return sockets && judgeListening(sockets, containerPort) === 'reachable';
};
