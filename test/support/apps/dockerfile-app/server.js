const { createServer } = require('node:http');

const server = createServer((_request, response) =>
  response.end(`hello from a ${process.env.GREETING}\n`),
);
server.listen(Number(process.env.PORT ?? 3000));
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
