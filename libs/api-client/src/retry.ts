import { OutcomeUnknownError, UnreachableError } from './problem.js';

/** How long a request is tried again. Every change carries an `Idempotency-Key`, so once more is safe. */
export interface RetryPolicy {
  /** Milliseconds for a server that refuses connections from the start: a dead one is said quickly. */
  readonly refusedMs: number;
  /** Milliseconds for a server that was there: a restart of the api takes seconds. */
  readonly lostMs: number;
  /** Milliseconds for a server that answers that it cannot just now (503). */
  readonly unavailableMs: number;
  /** Milliseconds one attempt may take. Work without an `Idempotency-Key` (rebuild, gc) may take ten times as long. */
  readonly attemptMs: number;
  /** First pause between attempts in milliseconds; it doubles up to 2 s. */
  readonly pauseMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  refusedMs: 1500,
  lostMs: 20_000,
  unavailableMs: 8_000,
  attemptMs: 60_000,
  pauseMs: 150,
};

const PAUSE_MS_MAX = 2000;
const NEVER_ARRIVED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  // An https:// address of a server that speaks plain HTTP: there is no handshake, hence no request.
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
]);

/** True when the error says that no connection was made, hence that nothing was asked. */
export const neverArrived = (error: unknown): boolean => {
  for (let e = error; e instanceof Error; e = e.cause) {
    // `fetch` refuses some ports (of mail and the like) by itself.
    if (e.message === 'bad port') return true;
    if (!('code' in e) || typeof e.code !== 'string') continue;
    if (
      NEVER_ARRIVED.has(e.code) ||
      /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_)/.test(e.code)
    )
      return true;
  }
  return false;
};

/** `fetch` that outlives a restart of the server; says whether a change may have happened. */
export const retryingFetch =
  (policy: RetryPolicy, signal?: AbortSignal) =>
  async (request: Request): Promise<Response> => {
    const attemptMs = policy.attemptMs * (isRepeatable(request) ? 1 : 10);
    const startedAt = performance.now();
    let wasThere = false;
    for (let attempt = 0; ; attempt += 1) {
      const result = await tryOnce(request.clone(), attemptMs, signal);
      if (result instanceof Response && !isUnavailable(result)) return result;
      signal?.throwIfAborted();
      wasThere ||= result instanceof Response || !neverArrived(result);

      const pauseMs = Math.min(policy.pauseMs * 2 ** attempt, PAUSE_MS_MAX);
      const spentMs = performance.now() - startedAt + pauseMs;
      const isEnough = spentMs > patienceMs(policy, result, wasThere);
      if (isEnough || mustNotRepeat(request, wasThere)) return giveUp(request, result, wasThere);
      if (result instanceof Response) await result.body?.cancel();
      await pause(pauseMs, signal);
    }
  };

const isLook = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD';

const isRepeatable = (request: Request): boolean =>
  isLook(request) || request.headers.has('Idempotency-Key');

const mustNotRepeat = (request: Request, wasThere: boolean): boolean =>
  wasThere && !isRepeatable(request);

const giveUp = (request: Request, result: Response | Error, wasThere: boolean): Response => {
  if (result instanceof Response) return result;
  if (!isLook(request) && wasThere) {
    throw new OutcomeUnknownError(`${request.method} ${request.url}`, { cause: result });
  }
  throw new UnreachableError(new URL(request.url).origin, { cause: result });
};

/** The server cannot just now, or a proxy before it finds none. A 502 of the API itself is its answer. */
const isUnavailable = ({ status, headers }: Response): boolean =>
  status === 503 ||
  status === 504 ||
  (status === 502 && !(headers.get('Content-Type') ?? '').includes('problem+json'));

const patienceMs = (policy: RetryPolicy, result: Response | Error, wasThere: boolean): number => {
  if (result instanceof Response) return policy.unavailableMs;
  return wasThere ? policy.lostMs : policy.refusedMs;
};

const tryOnce = async (
  request: Request,
  attemptMs: number,
  signal: AbortSignal | undefined,
): Promise<Response | Error> => {
  const signals = [AbortSignal.timeout(attemptMs), ...(signal === undefined ? [] : [signal])];
  try {
    return await fetch(request, { signal: AbortSignal.any(signals) });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
};

/** Why it was given up, as an error that can be thrown. */
export const abortReason = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new Error('stopped');

/** Waits; ends early, with the signal's reason, when the signal says so. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    const stop = (): void => {
      clearTimeout(timer);
      if (signal !== undefined) reject(abortReason(signal));
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
