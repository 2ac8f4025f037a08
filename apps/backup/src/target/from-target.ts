import { PassThrough, finished, type Readable } from 'node:stream';
import { BackupError } from '../backup-error.js';

/**
 * What a place gives, in our words: a stream that breaks off is a place that answers no more, which says
 * nothing about what lies there.
 */
export const fromTarget = (name: string, source: Readable): Readable => {
  const given = new PassThrough();
  finished(source, { writable: false }, (cause) => {
    if (cause == null) return;
    given.destroy(
      new BackupError('backup-target-unavailable', `reading ${name} to its end`, { cause }),
    );
  });
  given.once('close', () => source.destroy());
  return source.pipe(given);
};
