// The app that health tests run against: it can be made unready, and hang, for so many milliseconds.
const { createServer } = require('node:http');

let unreadyUntil = 0;

const routes = {
  '/': (response) => response.end(process.env.SHIPLOG_INSTANCE),
  '/up': (response) => {
    response.statusCode = Date.now() < unreadyUntil ? 503 : 200;
    response.end(response.statusCode === 200 ? 'well' : 'the database does not answer');
  },
  '/unready': (response, ms) => {
    unreadyUntil = Date.now() + ms;
    response.end(process.env.SHIPLOG_INSTANCE);
  },
  // It accepts connections, by the kernel, and answers none.
  '/hang': (response, ms) => {
    response.end(process.env.SHIPLOG_INSTANCE, () => {
      setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms), 20);
    });
  },
};

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://x');
  const handle = routes[pathname];
  if (handle === undefined) {
    response.statusCode = 404;
    return response.end();
  }
  return handle(response, Number(searchParams.get('ms')));
});
setTimeout(
  () => server.listen(process.env.PORT, '0.0.0.0'),
  Number(process.env.LISTEN_AFTER_MS ?? 0),
);
process.once('SIGTERM', () => server.close(() => process.exit(0)));
