#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { main } from './index.js';
import { InterruptedError } from './exit-code.js';

const ROOT = new URL('../../../', import.meta.url);

const interrupted = new AbortController();
const interrupt = (): void => {
  // A second Ctrl-C, or something that does not end: no more waiting.
  if (interrupted.signal.aborted) process.exit(130);
  interrupted.abort(new InterruptedError());
  setTimeout(() => process.exit(130), 2000).unref();
};
// By signal or not: a terminal in raw mode has to be given back.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
// `shiplog logs | head`: nobody reads any more, so there is nothing left to do.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

const { version } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
  version: string;
};

const exitCode = await main(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  homeDirectory: homedir(),
  isRoot: process.getuid?.() === 0,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
  signal: interrupted.signal,
  executable: fileURLToPath(new URL('shiplog', ROOT)),
  version,
});

// Everything is said; an idle connection or an open pipe on standard input must not hold the program.
for (const stream of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => stream.write('', () => resolve()));
}
process.exit(exitCode);
