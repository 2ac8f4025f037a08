import { createServer } from 'node:http';

createServer((_request, response) => {
  response.writeHead(503);
  response.end('still warming up\n');
}).listen(Number(process.env.PORT ?? 8080), () => console.log('warming up'));
process.on('SIGTERM', () => process.exit(0));
