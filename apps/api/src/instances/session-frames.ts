import { BusError, type Frame, type Session } from '@shiplog/bus';

/** Frames that wait for a slow reader; more are left out rather than held in memory. */
const WAITING_MAX = 20_000;

/**
 * The frames of a session, in order, until it ends or the signal is aborted. `onLost` hears how many
 * were left out because the reader was too slow. Ends with the session's error where it had one.
 */
export async function* sessionFrames(
  session: Session,
  signal: AbortSignal,
  onLost: (count: number) => Frame,
): AsyncGenerator<Frame> {
  const waiting: Frame[] = [];
  let lost = 0;
  let wake = (): void => undefined;
  let end: { error: { code: string; message: string } | undefined } | undefined;
  session.onFrame((frame) => {
    if (waiting.length < WAITING_MAX) waiting.push(frame);
    else lost += 1;
    wake();
  });
  void session.ended.then((error) => {
    end = { error };
    wake();
  });
  const abort = (): void => wake();
  signal.addEventListener('abort', abort);
  try {
    while (!signal.aborted) {
      const frame = waiting.shift();
      if (frame !== undefined) {
        yield frame;
        continue;
      }
      if (lost > 0) {
        const count = lost;
        lost = 0;
        yield onLost(count);
        continue;
      }
      if (end?.error !== undefined) throw new BusError(end.error.code, end.error.message);
      if (end !== undefined) return;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener('abort', abort);
    session.end();
  }
}
