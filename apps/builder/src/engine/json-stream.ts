import type { Readable } from 'node:stream';
import { z } from 'zod';
import { BuildInterrupted, EngineUnavailableError } from '../builds/problems.js';

const message = z.object({
  stream: z.string().optional(),
  status: z.string().optional(),
  id: z.string().optional(),
  progress: z.string().optional(),
  error: z.string().optional(),
  errorDetail: z.object({ code: z.number().int().optional() }).optional(),
  aux: z.object({ ID: z.string().optional() }).optional(),
});
export type EngineMessage = z.infer<typeof message>;

/**
 * Reads what the engine says while it builds, pulls or imports: one JSON document a line. Ends when
 * the engine ended it; throws the signal's reason when it was aborted, `EngineUnavailableError` when
 * the engine went away in between.
 */
export const eachMessage = async (
  stream: NodeJS.ReadableStream,
  signal: AbortSignal,
  visit: (message: EngineMessage) => void,
): Promise<void> => {
  const source = stream as Readable;
  const abort = (): void => void source.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    if (signal.aborted) abort();
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of source as AsyncIterable<Buffer>) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) visitLine(line, visit);
    }
    visitLine(rest, visit);
  } catch (error) {
    if (signal.aborted) throw interruptionOf(signal);
    if (isStreamError(error)) {
      throw new EngineUnavailableError('reading what the engine does', { cause: error });
    }
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
  if (signal.aborted) throw interruptionOf(signal);
};

/** The reason of an aborted signal as an error; a plain time-out is the build's time limit. */
export const interruptionOf = (signal: AbortSignal): Error => {
  const reason: unknown = signal.reason;
  if (reason instanceof BuildInterrupted) return reason;
  return new BuildInterrupted('timed-out');
};

const visitLine = (line: string, visit: (message: EngineMessage) => void): void => {
  if (line.trim() === '') return;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // A line that was cut off: the engine went away, and the end of the stream says so.
    return;
  }
  const parsed = message.safeParse(value);
  if (parsed.success) visit(parsed.data);
};

const isStreamError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string';
