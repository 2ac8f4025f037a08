'use strict';
const { spawn, spawnSync } = require('node:child_process');
const { existsSync, accessSync, constants } = require('node:fs');
const { delimiter, join } = require('node:path');

/** Runs a program (argv, never a shell) and gives its output; throws with the last lines when it fails. */
const run = (program, args, options = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.on('error', (cause) =>
      reject(new Error(`running ${program}: ${cause.message}`, { cause })),
    );
    child.on('close', (code) => {
      const text = Buffer.concat(output).toString('utf8');
      if (code === 0) return resolve(text);
      const tail = text.trim().split('\n').slice(-15).join('\n');
      return reject(
        new Error(`${program} ${args.slice(0, 3).join(' ')} … ended with ${code}:\n${tail}`),
      );
    });
  });

/** The same without waiting for more than an answer: undefined when it cannot run or fails. */
const ask = (program, args, options = {}) => {
  const result = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000, ...options });
  return result.status === 0 ? result.stdout.trim() : undefined;
};

/** Full path of a program, or undefined. Daemons lie in sbin, which a user's PATH often lacks. */
const which = (program, more = []) => {
  const folders = [
    ...more,
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
    '/sbin',
  ];
  for (const folder of folders) {
    const path = join(folder, program);
    if (!existsSync(path)) continue;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Present but not for us: look further.
    }
  }
  return undefined;
};

const isRoot = () => process.getuid?.() === 0;

module.exports = { run, ask, which, isRoot };
