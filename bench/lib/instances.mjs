// Answers for every instance of a large fleet, at any address of the loopback network: with its only argument, or with the
// address that was asked; at once, or at `/?ms=5` after so many milliseconds.
// A process of its own, which tells its port on stdout and ends with its parent: one that also runs a router answers
// nobody while that plans, and then closes all connections that were idle too long at once, under the requests on them.
import { createServer } from 'node:http';

/** A proxy may check thousands at the same moment; the usual 511 would have the kernel drop some. */
const BACKLOG = 65_535;
/** Longer than a proxy keeps a connection without a request: the proxy closes it, never we. */
const KEEP_ALIVE_MS = 600_000;

const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
  const answer = () => response.end(process.argv[2] ?? request.socket.localAddress);
  const [, ms] = /^\/\?ms=(\d+)$/.exec(request.url) ?? [];
  if (ms === undefined) answer();
  else setTimeout(answer, Number(ms));
});
server.listen({ port: 0, host: '0.0.0.0', backlog: BACKLOG }, () =>
  process.stdout.write(`${server.address().port}\n`),
);
process.stdin.resume().on('end', () => process.exit());
