import type Docker from 'dockerode';
import { EngineError } from './container-engine.port.js';
import { toEngineError } from './docker-translate.js';

/** A registry that sends nothing for so long is not waited for: others want to pull, too. */
const STALLED_MS = 300_000;

/** A pull takes as long as it takes, as long as something comes. */
export const pullImage = async (
  docker: Docker,
  repoDigest: string,
  stalledMs = STALLED_MS,
): Promise<void> => {
  const doing = `pulling ${repoDigest}`;
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), stalledMs);
  try {
    const stream = await docker.pull(repoDigest, { abortSignal: stalled.signal });
    stream.on('data', () => timer.refresh());
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(stream, (error, output: { error?: string }[]) => {
        // A pull that failed ends without an error, and with one in its output.
        const failed = error?.message ?? output.find((line) => line.error !== undefined)?.error;
        if (failed === undefined) resolve();
        else reject(new EngineError('pull-failed', doing, failed));
      });
    });
  } catch (error) {
    if (stalled.signal.aborted) {
      const said = `nothing came for ${stalledMs / 1000} s`;
      throw new EngineError('pull-failed', doing, said, { cause: error });
    }
    const refused = toEngineError(doing, error);
    if (refused.isUnknown) throw refused;
    throw new EngineError('pull-failed', doing, refused.said, { cause: error });
  } finally {
    clearTimeout(timer);
  }
};
