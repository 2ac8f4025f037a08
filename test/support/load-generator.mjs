// Load as architecture §9 defines it, from a process of its own: 32 connections, at least 200
// requests a second, keep-alive on and off, one in five a POST, some answers taking 2 to 5 s, one
// WebSocket and one event stream open. Ends on SIGTERM (or stdin closing) and prints one JSON report.
//
// The proxy makes up for a GET that is cut off; a POST it must not send twice: with [slow posts=N] every Nth takes 2 s.
//
//   node load-generator.mjs <url> <host header> <app name> [connections=32] [rate=220] [slow posts=0]
import { randomUUID } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { WebSocket } from 'ws';

const [url, host, app, connections = '32', rate = '220', slowPosts = '0'] = process.argv.slice(2);
const target = new URL(url);
const TIMEOUT_MS = 15_000;
// As a client has to that keeps connections: it gives up one that is idle before the proxy does (after 30 s), or its next
// request may meet the proxy's end of it, and a POST could not be sent again.
const keeping = new Agent({
  keepAlive: true,
  timeout: 10_000,
  maxSockets: Number(connections) / 2,
});
const closing = new Agent({ keepAlive: false, maxSockets: Number(connections) / 2 });

const report = {
  requests: 0,
  posts: 0,
  slow: 0,
  failed: [],
  failedCount: 0,
  answeredPosts: [],
  sentPosts: [],
  webSocketReconnects: 0,
  eventStreamReconnects: 0,
  instances: {},
  releases: {},
  latenciesMs: [],
};
let stopping = false;

const fail = (what, detail) => {
  report.failedCount += 1;
  if (report.failed.length < 50) report.failed.push({ at: new Date().toISOString(), what, detail });
};

const send = (method, path, body, agent) =>
  new Promise((resolve) => {
    const startedAt = performance.now();
    const headers = {
      host,
      ...(body
        ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
        : {}),
    };
    const asked = httpRequest(
      {
        host: target.hostname,
        port: target.port,
        method,
        path,
        agent,
        headers,
        timeout: TIMEOUT_MS,
      },
      (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('error', (error) => resolve({ error: `answer cut: ${error.message}` }));
        answer.on('end', () => {
          report.latenciesMs.push(performance.now() - startedAt);
          resolve({
            status: answer.statusCode,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          });
        });
      },
    );
    asked.on('timeout', () => asked.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
    asked.on('error', (error) => resolve({ error: `${error.code ?? ''} ${error.message}` }));
    asked.end(body);
  });

let n = 0;
const one = async () => {
  n += 1;
  const agent = n % 2 === 0 ? keeping : closing;
  const isPost = n % 5 === 0;
  const isSlow = !isPost && n % 97 === 0;
  const id = isPost ? randomUUID() : undefined;
  const isSlowPost = isPost && Number(slowPosts) > 0 && (n / 5) % Number(slowPosts) === 0;
  const postPath = isSlowPost ? '/ledger?ms=2000' : '/ledger';
  const path = isPost ? postPath : isSlow ? `/slow?ms=${2000 + (n % 4) * 1000}` : '/';
  report.requests += 1;
  if (isPost) report.sentPosts.push(id);
  if (isPost) report.posts += 1;
  if (isSlow) report.slow += 1;
  const answer = await send(isPost ? 'POST' : 'GET', path, id && JSON.stringify({ id }), agent);
  if (answer.error) return fail(`${isPost ? 'POST' : 'GET'} ${path}`, answer.error);
  if (answer.status < 200 || answer.status > 299) {
    return fail(
      `${isPost ? 'POST' : 'GET'} ${path}`,
      `${answer.status} ${answer.body.slice(0, 100)}`,
    );
  }
  if (answer.headers['x-app'] !== app) return fail(path, `answered by ${answer.headers['x-app']}`);
  const who = JSON.parse(answer.body);
  if (isPost) report.answeredPosts.push(id);
  report.instances[who.instance] = (report.instances[who.instance] ?? 0) + 1;
  report.releases[who.release] = (report.releases[who.release] ?? 0) + 1;
  return undefined;
};

/** An open connection may end with its instance; being unable to open the next one is a failure. */
const keepWebSocket = () => {
  const socket = new WebSocket(`ws://${target.hostname}:${target.port}/`, { headers: { host } });
  let timer;
  let opened = false;
  socket.on('open', () => {
    opened = true;
    timer = setInterval(() => socket.send('ping'), 250);
  });
  socket.on('error', (error) => !opened && fail('websocket', error.message));
  socket.on('close', () => {
    clearInterval(timer);
    if (stopping) return;
    report.webSocketReconnects += 1;
    setTimeout(keepWebSocket, 50);
  });
  return socket;
};

const keepEventStream = () => {
  let opened = false;
  const asked = httpRequest(
    { host: target.hostname, port: target.port, path: '/events', headers: { host } },
    (answer) => {
      opened = true;
      if (answer.statusCode !== 200) fail('event stream', String(answer.statusCode));
      answer.resume();
      answer.on('error', () => undefined);
      answer.on('close', () => {
        if (stopping) return;
        report.eventStreamReconnects += 1;
        setTimeout(keepEventStream, 50);
      });
    },
  );
  asked.on('error', (error) => {
    // The end of its answer has told of it already.
    if (stopping || opened) return;
    fail('event stream', error.message);
    setTimeout(keepEventStream, 50);
  });
  asked.end();
};

let inFlight = 0;
const pending = new Set();
const loadStartedAt = performance.now();
let offered = 0;
// An open loop: a slow answer does not lower the rate at which requests are made.
const timer = setInterval(() => {
  const due = ((performance.now() - loadStartedAt) / 1000) * Number(rate);
  while (offered < due) {
    offered += 1;
    if (inFlight >= Number(connections) * 8) continue;
    inFlight += 1;
    const running = one().finally(() => {
      inFlight -= 1;
      pending.delete(running);
    });
    pending.add(running);
  }
}, 4);

keepWebSocket();
keepEventStream();
const startedAt = Date.now();
process.stdout.write('started\n');

const stop = async () => {
  if (stopping) return;
  stopping = true;
  clearInterval(timer);
  const seconds = (Date.now() - startedAt) / 1000;
  await Promise.all(pending);
  const sorted = report.latenciesMs.toSorted((a, b) => a - b);
  const at = (q) => Math.round((sorted[Math.floor(sorted.length * q)] ?? 0) * 10) / 10;
  const { latenciesMs: _, ...rest } = report;
  process.stdout.write(
    `${JSON.stringify({ ...rest, seconds, rate: Math.round(report.requests / seconds), p50Ms: at(0.5), p99Ms: at(0.99) })}\n`,
    () => process.exit(0),
  );
};
process.on('SIGTERM', () => void stop());
process.stdin.on('end', () => void stop());
process.stdin.resume();
