// A gRPC server without a library: HTTP/2 without TLS and nothing else. It answers any call with its release,
// and streams it every 100 ms where the method is `Stream`.
const { createServer } = require('node:http2');

const message = () => {
  const text = Buffer.from(process.env.COLOUR ?? 'blue');
  const head = Buffer.alloc(5);
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, text]);
};

const server = createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => undefined);
  if (headers['content-type']?.startsWith('application/grpc') !== true) {
    stream.respond({ ':status': headers[':path'] === '/up' ? 200 : 415 }, { endStream: true });
    return;
  }
  stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  if (headers[':path'].endsWith('/Stream')) {
    const timer = setInterval(() => stream.write(message()), 100);
    stream.on('close', () => clearInterval(timer));
  } else {
    stream.end(message());
  }
});
server.listen(process.env.PORT, '0.0.0.0');
process.once('SIGTERM', () => server.close(() => process.exit(0)));
