import { sleepReally, type Sleep } from '../probes/sleep.js';
import type { ContainerEngine, EngineWatcher } from './container-engine.port.js';

const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 3000;

/** Watches the engine for as long as the signal allows, and begins again whenever the stream breaks. */
export const watchEngine = async (
  engine: ContainerEngine,
  watcher: EngineWatcher,
  signal: AbortSignal,
  sleep: Sleep = sleepReally,
): Promise<void> => {
  let pauseMs = PAUSE_MS_MIN;
  while (!signal.aborted) {
    const opened = {
      onNotice: watcher.onNotice,
      onOpen: () => {
        pauseMs = PAUSE_MS_MIN;
        watcher.onOpen();
      },
    };
    // Why it broke is said by the rounds, which cannot go on without the engine either.
    await engine.watch(opened, signal).catch(() => undefined);
    if (signal.aborted) return;
    await sleep(pauseMs, signal);
    pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2);
  }
};
