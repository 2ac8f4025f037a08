import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { RouterPaths } from '../routes/router-paths.js';

/** Where a proxy finds certificates when it starts: beside its sockets, which is memory and no disk. */
export const tlsPaths = ({ socketDirectory }: Pick<RouterPaths, 'socketDirectory'>) => {
  const directory = join(socketDirectory, 'tls');
  return {
    directory,
    list: join(directory, 'crt.list'),
    /** A domain has one file, whatever certificate is in it. */
    certificate: (domain: string): string =>
      join(directory, `${createHash('sha256').update(domain).digest('hex').slice(0, 32)}.pem`),
  };
};
