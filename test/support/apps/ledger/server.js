// The app that load tests run against. It says who answers, keeps a ledger of what it executed (one
// line on stdout for each POST, read back from the container's log), answers slowly when asked to,
// and holds WebSockets and event streams. It ends as a good app does: finishes what is under way.
const { createHash } = require('node:crypto');
const { createServer } = require('node:http');

const who = {
  app: process.env.SHIPLOG_APP,
  release: process.env.SHIPLOG_RELEASE,
  instance: process.env.SHIPLOG_INSTANCE,
  config: process.env.COLOUR ?? null,
};
const sockets = new Set();
let ending = false;

const answer = (response, status, body) => {
  const headers = {
    'content-type': 'application/json',
    'x-app': who.app,
    'x-instance': who.instance,
  };
  if (ending) headers.connection = 'close';
  response.writeHead(status, headers);
  response.end(JSON.stringify(body));
};

const readBody = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
};

const routes = {
  // A release that starts well and then fails: what a canary is for.
  '/': (_request, response) => answer(response, who.config === 'broken' ? 500 : 200, who),
  '/slow': (request, response) => {
    const ms = Number(new URL(request.url, 'http://x').searchParams.get('ms') ?? 3000);
    setTimeout(() => answer(response, 200, who), ms);
  },
  '/ledger': async (request, response) => {
    const { id } = JSON.parse(await readBody(request));
    // One write call per line: a line is in the log whole or not at all.
    process.stdout.write(`LEDGER ${id}\n`);
    const ms = Number(new URL(request.url, 'http://x').searchParams.get('ms') ?? 0);
    setTimeout(() => answer(response, 201, { id, ...who }), ms);
  },
  '/events': (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-app': who.app });
    response.write(`data: ${who.instance}\n\n`);
    const timer = setInterval(() => response.write(`data: ${Date.now()}\n\n`), 500);
    sockets.add(response);
    response.on('close', () => {
      clearInterval(timer);
      sockets.delete(response);
    });
  },
};

const server = createServer((request, response) => {
  const handle = routes[request.url.split('?')[0]];
  if (handle === undefined) return answer(response, 404, { error: 'not found' });
  return Promise.resolve(handle(request, response)).catch((error) =>
    answer(response, 500, { error: error.message }),
  );
});
// Longer than any idle time of a proxy, or a request could meet a connection that we are closing.
server.keepAliveTimeout = 120_000;

// RFC 6455, as much of it as an echo of short text frames needs.
server.on('upgrade', (request, socket) => {
  const key = request.headers['sec-websocket-key'];
  const accept = createHash('sha1')
    .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  );
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  socket.on('error', () => sockets.delete(socket));
  socket.on('data', (frame) => {
    if ((frame[0] & 0x0f) === 8) return socket.end();
    const length = frame[1] & 0x7f;
    const mask = frame.subarray(2, 6);
    const text = frame.subarray(6, 6 + length).map((byte, i) => byte ^ mask[i % 4]);
    return socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
  });
});

const end = () => {
  ending = true;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  for (const socket of sockets)
    socket.end(socket.writeHead ? undefined : Buffer.from([0x88, 0x02, 0x03, 0xe9]));
};
process.on('SIGTERM', end);

server.listen(Number(process.env.PORT ?? 8080), '0.0.0.0', () =>
  console.log('listening', who.instance),
);
