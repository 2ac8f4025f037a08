// Says the colour of its release to whoever connects, then echoes.
const { createServer } = require('node:net');

const server = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.write(`${process.env.COLOUR ?? 'blue'}\n`);
  socket.pipe(socket);
});
server.listen(process.env.PORT, '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
