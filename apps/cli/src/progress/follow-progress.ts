import {
  ApiError,
  ConnectionLostError,
  OutcomeUnknownError,
  pause,
  UnreachableError,
  type Explanation,
  type Followed,
  type ProgressLine,
  type ShiplogClient,
} from '@shiplog/api-client';
import type { Invocation } from '../command.js';
import { CliError, EXIT } from '../exit-code.js';
import { createProgressView } from './progress-view.js';

/** A change that was made and did not become what was wanted. */
export class ChangeFailedError extends CliError {
  constructor(
    message: string,
    readonly explanation: Explanation | undefined,
    members: Readonly<Record<string, unknown>>,
  ) {
    super(EXIT.failed, explanation?.code ?? 'failed', message, {
      members: { ...members, explanation: explanation ?? null },
    });
    this.name = 'ChangeFailedError';
  }
}

/** How long a lost progress stream is opened again: a restart of the api takes seconds. */
const LOST_MS = 60_000;
const PAUSE_MS = 500;

/**
 * Waits until a change is live and shows what happens meanwhile. Throws `ChangeFailedError` when it
 * fails. When the connection is lost for good, the outcome is unknown: the change itself goes on.
 */
export const followProgress = async (
  invocation: Invocation,
  app: string,
  followed: Followed,
): Promise<ProgressLine> => {
  const client = await invocation.client();
  const view = createProgressView(invocation.io, invocation.out);
  try {
    for await (const line of progressLines(client, app, followed, invocation.io.signal)) {
      view.show(line);
      if (line.kind === 'done') return line;
      if (line.kind === 'failed') throw failed(line, followed);
    }
    throw new OutcomeUnknownError('following the change', { cause: new Error('it never ended') });
  } catch (error) {
    if (invocation.io.signal.aborted) {
      view.close();
      invocation.out.note(`No longer waiting; the change goes on. See: ${lookAt(app, followed)}`);
    }
    throw error;
  } finally {
    view.close();
  }
};

const failed = ({ text, explanation, ...line }: ProgressLine, followed: Followed): Error => {
  const { kind: _kind, at: _at, ...members } = line;
  return new ChangeFailedError(explanation?.summary ?? text, explanation ?? undefined, {
    ...followed,
    ...members,
  });
};

/** The lines of a progress stream up to its last one, each once, over lost connections. */
async function* progressLines(
  client: ShiplogClient,
  app: string,
  followed: Followed,
  signal: AbortSignal,
): AsyncGenerator<ProgressLine> {
  const seen = new SeenLines();
  let lostAt: number | undefined;
  for (;;) {
    try {
      for await (const line of toItsEnd(client, app, followed)) {
        lostAt = undefined;
        yield* seen.unseen(line);
      }
      return;
    } catch (error) {
      if (!isWorthAnotherTry(error)) throw error;
      lostAt ??= performance.now();
      if (performance.now() - lostAt > LOST_MS) throw lostForGood(app, followed, error);
    }
    seen.restart();
    await pause(PAUSE_MS, signal);
  }
}

/** One opening of the stream; one that ends without saying how is a lost one. */
async function* toItsEnd(
  client: ShiplogClient,
  app: string,
  followed: Followed,
): AsyncGenerator<ProgressLine> {
  for await (const line of client.progress(app, followed)) {
    yield line;
    if (line.kind === 'done' || line.kind === 'failed') return;
  }
  throw new ConnectionLostError(client.url, { cause: new Error('the stream ended too early') });
}

const isWorthAnotherTry = (error: unknown): boolean =>
  error instanceof UnreachableError || (error instanceof ApiError && error.status === 503);

/** The command that tells how it goes on. */
const lookAt = (app: string, followed: Followed): string => {
  if ('build' in followed) return `shiplog builds show ${followed.build} -a ${app}`;
  if ('deploy' in followed) return `shiplog deploys show ${followed.deploy} -a ${app}`;
  return `shiplog ps -a ${app}`;
};

const lostForGood = (app: string, followed: Followed, cause: unknown): Error =>
  new CliError(
    EXIT.unknown,
    'outcome-unknown',
    'the connection was lost while waiting; the change goes on without it',
    { cause, remedy: `See how it ends: ${lookAt(app, followed)}`, members: { ...followed } },
  );

/** A stream that is opened again begins at its beginning: what was shown is not shown twice. */
class SeenLines {
  private readonly shown = new Map<string, number>();
  private round = new Map<string, number>();

  restart(): void {
    this.round = new Map();
  }

  /** The line, or nothing when it was shown before. */
  unseen(line: ProgressLine): readonly ProgressLine[] {
    const key = `${line.kind} ${line.text}`;
    const count = (this.round.get(key) ?? 0) + 1;
    this.round.set(key, count);
    if (count <= (this.shown.get(key) ?? 0)) return [];
    this.shown.set(key, count);
    return [line];
  }
}
