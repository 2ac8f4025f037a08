import { engineStatus } from '@shiplog/engine';
import type Docker from 'dockerode';
import { z } from 'zod';

export const imageInput = z.object({ imageId: z.string().regex(/^sha256:[0-9a-f]{64}$/) });

/** One step of how an image was made. Nothing of what was run: build arguments stand there, too. */
export interface ImageLayer {
  /** `COPY`, `RUN`, …; null where it is not known. */
  readonly instruction: string | null;
  readonly bytes: number;
}

/** Oldest first; null where the image is not on this machine. */
export const imageLayers = async (
  docker: Docker,
  imageId: string,
): Promise<readonly ImageLayer[] | null> => {
  try {
    const history = (await docker.getImage(imageId).history()) as readonly {
      readonly CreatedBy?: string;
      readonly Size?: number;
    }[];
    return history
      .toReversed()
      .map(({ CreatedBy = '', Size = 0 }) => ({
        instruction: instructionOf(CreatedBy),
        bytes: Size,
      }))
      .filter(({ bytes }) => bytes > 0);
  } catch (error) {
    if (engineStatus(error) === 404) return null;
    throw error;
  }
};

/** BuildKit writes the instruction itself; the old builder `/bin/sh -c #(nop) COPY …`, or the command alone. */
export const instructionOf = (createdBy: string): string | null => {
  const text = createdBy.replace(/^\/bin\/sh -c #\(nop\)\s+/, '');
  const word =
    /^(?:\|\d+ .*)?(ADD|COPY|RUN|WORKDIR|ENV|CMD|ENTRYPOINT|USER|EXPOSE|LABEL|ARG|VOLUME)\b/.exec(
      text,
    )?.[1];
  if (word !== undefined) return word;
  return /\/bin\/sh -c /.test(text) ? 'RUN' : null;
};
