import { connect } from 'node:net';

/** The engine's proxy accepts at once and hangs up when nothing listens behind it: that takes less than this. */
const STAYS_OPEN_MS = 150;
const CONNECT_MS = 2000;

export interface ProbeAnswer {
  readonly isReady: boolean;
  /** What came back, in words. */
  readonly got: string;
}

/** Ready when a connection is accepted and stays open, or something is said on it. */
export const probeTcp = (
  host: string,
  port: number,
  timeoutMs = CONNECT_MS,
): Promise<ProbeAnswer> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (isReady: boolean, got: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ isReady, got });
    };
    let timer = setTimeout(
      () => done(false, `no answer to a connect within ${timeoutMs / 1000} s`),
      timeoutMs,
    );
    socket.once('connect', () => {
      clearTimeout(timer);
      timer = setTimeout(() => done(true, 'connected'), STAYS_OPEN_MS);
    });
    socket.once('data', () => done(true, 'connected'));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      done(false, error.code === 'ECONNREFUSED' ? 'connection refused' : (error.code ?? 'error')),
    );
    socket.once('close', () => done(false, 'the connection was closed at once: nothing listens'));
  });
