import { createServer } from 'node:http';

createServer((_request, response) => response.end('nobody hears me\n')).listen(
  3000,
  '127.0.0.1',
  () => console.log('listening on 127.0.0.1:3000'),
);
process.on('SIGTERM', () => process.exit(0));
