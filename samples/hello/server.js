import { createServer } from 'node:http';
import { hostname } from 'node:os';

const port = Number(process.env.PORT ?? 8080);
const greeting = process.env.GREETING ?? 'Hello';
// The platform tells each instance what it is; run by hand there is nothing to tell.
const facts = {
  app: process.env.SHIPLOG_APP ?? 'hello',
  release: process.env.SHIPLOG_RELEASE ?? 'not released',
  instance: process.env.SHIPLOG_INSTANCE ?? hostname(),
};
const startedAt = new Date();

const escapeHtml = (text) =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const page = () => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(greeting)} from ${escapeHtml(facts.app)}</title>
<style>
  :root { color-scheme: light dark; font: 18px/1.5 system-ui, sans-serif; }
  body { max-width: 36rem; margin: 12vh auto; padding: 0 1.5rem; }
  h1 { font-size: 2.4rem; line-height: 1.2; margin: 0 0 0.5em; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.3em 1.5em; }
  dt { opacity: 0.65; }
  dd { margin: 0; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>${escapeHtml(greeting)} from ${escapeHtml(facts.app)}!</h1>
<p>This page is served by an app that was pushed with git. Change <code>server.js</code>, commit and push again.</p>
<dl>
<dt>release</dt><dd>${escapeHtml(facts.release)}</dd>
<dt>instance</dt><dd>${escapeHtml(facts.instance)}</dd>
<dt>running since</dt><dd>${startedAt.toISOString()}</dd>
<dt>Node.js</dt><dd>${process.versions.node}</dd>
</dl>
</body>
</html>
`;

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://hello');
  if (pathname === '/') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(page());
  } else if (pathname === '/facts') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ greeting, ...facts }));
  } else {
    response.writeHead(404, { 'content-type': 'text/plain' });
    response.end('not found\n');
  }
});

server.listen(port, () => {
  console.log(`listening on port ${port}`);
});

// Answers what is under way, then ends: a release that replaces this one loses no request.
process.on('SIGTERM', () => {
  console.log('stopping');
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
