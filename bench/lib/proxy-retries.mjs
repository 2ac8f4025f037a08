// How often the platform's proxy sent a request once more: what a client does not see, and has waited for.
import { connect } from 'node:net';
import { routerPaths } from '../../apps/router-sync/dist/routes/router-paths.js';

const ask = (path, command) =>
  new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ path }, () => socket.end(`${command}\n`));
    socket.on('data', (chunk) => (answer += chunk.toString('utf8')));
    socket.once('error', reject);
    socket.once('close', () => resolve(answer));
  });

/** Of all backends since the proxy started: tried again at the same server, sent to another one. */
export const proxyRetries = async ({ config, env }) => {
  const [head = '', ...lines] = (await ask(routerPaths(config, env).admin, 'show stat'))
    .trim()
    .split('\n');
  const names = head.replace(/^# /, '').split(',');
  const backends = lines
    .map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i], cell])))
    .filter(({ svname }) => svname === 'BACKEND');
  const sum = (name) => backends.reduce((total, row) => total + Number(row[name] || 0), 0);
  return { again: sum('wretr'), toAnother: sum('wredis') };
};
