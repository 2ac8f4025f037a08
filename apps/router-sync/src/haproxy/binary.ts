import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { RouterError } from '../routes/router.port.js';

/** Where packages put it, though a user's PATH often does not lead there. */
const SYSTEM_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/bin'];

/** `SHIPLOG_HAPROXY`, else the first one in PATH, else where packages put it. */
export const findHaproxy = async (env: NodeJS.ProcessEnv): Promise<string> => {
  const given = env['SHIPLOG_HAPROXY'];
  const candidates =
    given !== undefined && given !== ''
      ? [given]
      : [...(env['PATH'] ?? '').split(delimiter).filter(Boolean), ...SYSTEM_DIRECTORIES].map(
          (directory) => join(directory, 'haproxy'),
        );
  for (const candidate of candidates) {
    const isThere = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return candidate;
  }
  throw new RouterError(
    'router-binary-missing',
    given === undefined || given === ''
      ? 'haproxy was not found: install the package haproxy (2.6 or newer), or set SHIPLOG_HAPROXY to the program'
      : `SHIPLOG_HAPROXY names ${given}, which is not a program that can be run`,
  );
};
