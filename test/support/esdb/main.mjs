/**
 * The double as a process of its own:
 * `node test/support/esdb/main.mjs --port 2113 --db FILE [--tls FOLDER] [--user NAME:PASSWORD[:GROUP,…]]…`.
 * The folder holds `key.pem` and `cert.pem`. Says `listening PORT` on standard output.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startServer } from './server.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    db: { type: 'string' },
    tls: { type: 'string' },
    user: { type: 'string', multiple: true, default: [] },
  },
});
if (values.db === undefined) throw new Error('--db FILE is missing');

const tlsOf = (folder) => ({
  key: readFileSync(join(folder, 'key.pem')),
  cert: readFileSync(join(folder, 'cert.pem')),
});

const server = await startServer({
  port: Number(values.port),
  file: values.db,
  users: values.user,
  ...(values.tls === undefined ? {} : { tls: tlsOf(values.tls) }),
});
process.stdout.write(`listening ${server.port}\n`);
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    server.close();
    process.exit(0);
  });
}
