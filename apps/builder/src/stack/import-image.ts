import type Docker from 'dockerode';
import { askEngine } from '../engine/engine-errors.js';
import { eachMessage } from '../engine/json-stream.js';
import { firstOfEach, writeTar, type TarWriter } from '../sources/tar.js';

/** Not a platform's: the same stack serves every platform on the engine, and no platform removes it. */
const STACK_LABEL = 'shiplog.stack';

export interface StackImage {
  readonly name: string;
  readonly hash: string;
  readonly environment: Readonly<Record<string, string>>;
}

export const stackRef = ({ name, hash }: Pick<StackImage, 'name' | 'hash'>): string =>
  `shiplog-stack/${name}:${hash}`;

/** Makes an image of one layer from what `fill` writes; of two entries of one name the first counts. */
export const importImage = async (
  engine: Docker,
  image: StackImage,
  fill: (out: TarWriter) => Promise<void>,
  signal: AbortSignal,
): Promise<void> => {
  const out = writeTar();
  const aborted = new AbortController();
  let failure: Error | undefined;
  const filling = fill(firstOfEach(out)).then(
    () => out.finish(),
    (error: unknown) => {
      failure = error instanceof Error ? error : new Error(String(error));
      aborted.abort(failure);
      out.fail(failure);
    },
  );
  try {
    const either = AbortSignal.any([signal, aborted.signal]);
    const stream = await askEngine('importing a base image', () =>
      startImport(engine, image, out, either),
    );
    let refused: string | undefined;
    await eachMessage(stream, either, ({ error }) => (refused ??= error));
    if (refused !== undefined) throw new Error(`importing a base image: ${refused}`);
    await filling;
  } catch (error) {
    throw failure ?? error;
  } finally {
    out.bytes.destroy();
  }
};

// The types know only importing with a callback, and none of the engine's newer options.
const startImport = (
  engine: Docker,
  image: StackImage,
  { bytes }: TarWriter,
  abortSignal: AbortSignal,
): Promise<NodeJS.ReadableStream> =>
  engine.importImage(bytes, { ...optionsOf(image), abortSignal } as never) as never;

const optionsOf = (image: StackImage) => ({
  repo: `shiplog-stack/${image.name}`,
  tag: image.hash,
  changes: [
    `LABEL ${STACK_LABEL}=${image.hash}`,
    ...Object.entries(image.environment).map(([key, value]) => `ENV ${key}=${value}`),
  ],
});
