import type Docker from 'dockerode';
import { EngineUnavailableError } from '../builds/problems.js';
import { askEngine, engineMessage } from './engine-errors.js';
import { eachMessage, interruptionOf } from './json-stream.js';

type PullResult =
  { readonly outcome: 'pulled' } | { readonly outcome: 'not-pulled'; readonly why: string };

/** Of a registry that answered, and does not have it: others of its images may be there. */
export const saysNotThere = (why: string): boolean =>
  /manifest (for .* )?(unknown|not found)|not found: manifest|pull access denied/i.test(why);

/** A registry that says nothing for this long is taken as one that does not answer. */
const SILENCE_MS_MAX = 12_000;

/** Pulls an image. A registry that refuses, lacks it or does not answer is a result, not an error. */
export const pullImage = async (
  engine: Docker,
  ref: string,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<PullResult> => {
  const silence = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const heard = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
  };
  heard();
  try {
    const either = AbortSignal.any([signal, silence.signal]);
    const stream = await askEngine(`pulling ${ref}`, () =>
      engine.createImage({ ...nameOf(ref), abortSignal: either }),
    );
    let failure: string | undefined;
    await eachMessage(stream, either, ({ status, id, progress, error }) => {
      heard();
      if (error !== undefined) failure = error;
      // Progress bars are for terminals that are drawn over; here only what is finished is said.
      else if (
        status !== undefined &&
        progress === undefined &&
        !/^(Waiting|Downloading|Extracting)/.test(status)
      )
        onLine(id === undefined ? status : `${id}: ${status}`);
    });
    return failure === undefined ? { outcome: 'pulled' } : { outcome: 'not-pulled', why: failure };
  } catch (error) {
    if (signal.aborted) throw interruptionOf(signal);
    if (silence.signal.aborted)
      return { outcome: 'not-pulled', why: 'the registry did not answer' };
    if (error instanceof EngineUnavailableError) throw error;
    return { outcome: 'not-pulled', why: engineMessage(error) };
  } finally {
    clearTimeout(timer);
  }
};

/** Without a tag the engine would pull all of them. */
const nameOf = (ref: string): { fromImage: string; tag?: string } => {
  if (ref.includes('@')) return { fromImage: ref };
  const [, name = ref, tag = 'latest'] = /^(.*?)(?::([^/:]+))?$/.exec(ref) ?? [];
  return { fromImage: name, tag };
};
