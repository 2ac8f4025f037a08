import type { Check, WebProtocol } from '@shiplog/events';
import { EngineError, type ContainerEngine } from '../containers/container-engine.port.js';
import { ROUTED_PROCESS } from '../containers/serving.js';
import { probeHttp } from '../probes/http.js';
import { connectOnce } from '../probes/reach.js';
import { probeTcp, type ProbeAnswer } from '../probes/tcp.js';
import { isGoodStatus } from './status-codes.js';

/** Where an instance is asked; `web` is null for one that is not reached over the network. */
export interface CheckTarget {
  readonly containerId: string;
  readonly web: {
    readonly host: string;
    readonly port: number;
    /** Behind the engine's own proxy, which accepts whether or not anything listens. */
    readonly isPublished: boolean;
    readonly virtualHost: string;
    /** What it speaks; absent: HTTP/1.1. */
    readonly protocol?: WebProtocol;
  } | null;
}

/** Asks once. Null: nothing was learnt about the instance (the engine does not answer). */
export type AskCheck = (check: Check, target: CheckTarget) => Promise<ProbeAnswer | null>;

/** From outside, the way requests take: nothing is needed in the image. Only a command runs inside, and it is the user's own. */
export const askCheckWith =
  (engine: Pick<ContainerEngine, 'exec'>): AskCheck =>
  async (check, { containerId, web }) => {
    const { kind, path, status, command, timeoutMs } = check;
    if (kind === 'command') return askCommand(engine, containerId, command ?? [], timeoutMs);
    if (web === null) return { isReady: false, got: `it has no port that ${kind} could ask` };
    if (kind === 'http') {
      return probeHttp({
        ...web,
        path: path ?? '/',
        timeoutMs,
        isGood: (code) => isGoodStatus(status, code),
      });
    }
    if (web.isPublished) return probeTcp(web.host, web.port, timeoutMs);
    const answer = await connectOnce(web.host, web.port, timeoutMs);
    return { isReady: answer === 'accepted', got: CONNECTED[answer] };
  };

const CONNECTED = {
  accepted: 'connected',
  refused: 'connection refused',
  unknown: 'no answer to a connect',
} as const;

const askCommand = async (
  engine: Pick<ContainerEngine, 'exec'>,
  containerId: string,
  command: readonly string[],
  timeoutMs: number,
): Promise<ProbeAnswer | null> => {
  const name = command[0] ?? '';
  try {
    const { exitCode, output } = await engine.exec(containerId, command, timeoutMs);
    const said = output.trim() === '' ? '' : `: ${output.trim()}`;
    if (exitCode === null) {
      return { isReady: false, got: `${name} did not end within ${timeoutMs} ms${said}` };
    }
    return { isReady: exitCode === 0, got: `${name} ended with ${exitCode}${said}` };
  } catch (error) {
    if (!(error instanceof EngineError) || error.isUnknown) return null;
    // It ended or was paused meanwhile: that is seen in other ways.
    if (error.code === 'container-missing' || error.code === 'engine-refused') return null;
    return { isReady: false, got: `${name} cannot be run: ${error.said}` };
  }
};

/** An instance that was made before its process had a port cannot be asked over the network: it is not. */
export const askable = (
  check: Check | null,
  process: string,
  { web }: Pick<CheckTarget, 'web'>,
): Check | null => {
  const isUnreached = web === null && process !== ROUTED_PROCESS;
  return isUnreached && (check?.kind === 'tcp' || check?.kind === 'http') ? null : check;
};
