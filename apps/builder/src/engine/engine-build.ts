import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { EngineUnavailableError, StepFailedError } from '../builds/problems.js';
import { askEngine, engineMessage } from './engine-errors.js';
import { eachMessage, interruptionOf, type EngineMessage } from './json-stream.js';
import { LineSplitter } from './output-lines.js';

interface EngineBuild {
  readonly context: Readable;
  readonly tag: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of each build step; there is no swap beyond it. */
  readonly memoryBytes: number;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly networkMode: string | undefined;
  readonly signal: AbortSignal;
  readonly listener: BuildListener;
}

export interface BuildListener {
  /** A step began: its instruction, and `2/7`. */
  step(instruction: string, number: string): void;
  /** The step was done before: its layer is used again. */
  cached(): void;
  /** Something that the step printed. */
  line(text: string): void;
  /** A container that runs a step; the engine removes it. */
  container(id: string): void;
  /** An image that stands for all steps so far. */
  layer(id: string): void;
}

/** Processes of one user in build containers: enough for any compiler, too few for a fork bomb. */
const PROCESSES_MAX = 16_384;

/**
 * Builds with the engine's classic builder and answers the image id. Aborting ends the running step
 * at once. Throws `StepFailedError`, `EngineUnavailableError`, or why it was aborted.
 */
export const buildOnEngine = async (engine: Docker, build: EngineBuild): Promise<string> => {
  const { signal } = build;
  const lost = new AbortController();
  // A context that cannot be read on would leave the engine waiting for its end.
  let contextError: Error | undefined;
  build.context.once('error', (error) => {
    contextError = error;
    lost.abort(error);
  });
  const reader = new BuildReader(build.listener);
  try {
    const either = AbortSignal.any([signal, lost.signal]);
    const stream = await askEngine('starting a build', () =>
      engine.buildImage(build.context, { ...optionsOf(build), abortSignal: either }),
    );
    await eachMessage(stream, either, (message) => reader.read(message));
    return reader.finish();
  } catch (error) {
    if (contextError !== undefined) throw contextError;
    if (signal.aborted) throw interruptionOf(signal);
    if (error instanceof StepFailedError || error instanceof EngineUnavailableError) throw error;
    // The engine refuses a Dockerfile it cannot read before it begins.
    throw new StepFailedError(reader.step, null, engineMessage(error));
  } finally {
    build.context.destroy();
  }
};

const optionsOf = (build: EngineBuild): Docker.ImageBuildOptions =>
  ({
    t: build.tag,
    labels: build.labels,
    buildargs: build.buildArgs,
    memory: build.memoryBytes,
    memswap: build.memoryBytes,
    ulimits: JSON.stringify([{ Name: 'nproc', Soft: PROCESSES_MAX, Hard: PROCESSES_MAX }]),
    networkmode: build.networkMode,
    rm: true,
    forcerm: true,
    version: '1',
    // `ulimits` is missing from the types; the engine has had it since API 1.18.
  }) as Docker.ImageBuildOptions;

const STEP = /^Step (\d+\/\d+) : (.*)$/;
const RUNNING = /^ ---> (?:\[Warning\].*|Running in ([0-9a-f]{12,64}))$/;
const LAYER = /^ ---> ([0-9a-f]{12,64})$/;
/** After a line of standard error, the engine's next line begins with the end of its colour. */
const NOISE =
  /^(?:\u001b\[\d*m)*(?:Removing intermediate container |Successfully (?:built|tagged) |$)/;

/** Tells what a step printed from what the engine says about it. */
class BuildReader {
  step: string | undefined;
  private imageId: string | undefined;
  private failure: StepFailedError | undefined;
  private readonly splitter = new LineSplitter((line) => this.readLine(line));

  constructor(private readonly listener: BuildListener) {}

  read({ stream, aux, error, errorDetail }: EngineMessage): void {
    if (stream !== undefined) this.splitter.push(stream);
    if (aux?.ID !== undefined) this.imageId = aux.ID;
    if (error === undefined) return;
    this.splitter.flush();
    this.failure = new StepFailedError(this.step, errorDetail?.code ?? null, error);
  }

  finish(): string {
    this.splitter.flush();
    if (this.failure !== undefined) throw this.failure;
    if (this.imageId === undefined) throw new EngineUnavailableError('the engine ended in a build');
    return this.imageId;
  }

  private readLine(line: string): void {
    const [, number, instruction] = STEP.exec(line) ?? [];
    if (number !== undefined && instruction !== undefined) {
      this.step = instruction;
      this.listener.step(instruction, number);
      return;
    }
    if (line === ' ---> Using cache') return this.listener.cached();
    const container = RUNNING.exec(line);
    if (container !== null) {
      if (container[1] !== undefined) this.listener.container(container[1]);
      return;
    }
    const layer = LAYER.exec(line)?.[1];
    if (layer !== undefined) return this.listener.layer(layer);
    if (!NOISE.test(line)) this.listener.line(line);
  }
}
