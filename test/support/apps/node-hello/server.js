import { createServer } from 'node:http';

const { PORT = '8080', TEXT = 'hello', SHIPLOG_RELEASE = '', SHIPLOG_INSTANCE = '' } = process.env;

const server = createServer((request, response) => {
  response.writeHead(200, {
    'content-type': 'text/plain',
    'x-release': SHIPLOG_RELEASE,
    'x-instance': SHIPLOG_INSTANCE,
  });
  response.end(`${TEXT}\n`);
});
server.listen(Number(PORT), () => console.log(`listening on ${PORT}`));
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
