// Clients that ask one port over connections that stay: as fast as they can, or at an even rate.
import { once } from 'node:events';
import { createConnection } from 'node:net';

/** What each answer ends with: the body of every instance of `instances.mjs` that was told so. */
export const ANSWER_END = 'END';
const requestOf = (path) =>
  `GET ${path} HTTP/1.1\r\nhost: bench.localhost\r\nuser-agent: bench\r\naccept: */*\r\n\r\n`;

class Client {
  #socket;
  #received = '';
  #waiting;
  #request;

  constructor(port, path) {
    this.#request = requestOf(path);
    this.#socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    this.connected = once(this.#socket, 'connect');
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text) => this.#take(text));
    this.#socket.on('close', () => this.#waiting?.reject(new Error('a connection ended')));
  }

  ask() {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(this.#request);
    });
  }

  end() {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #take(text) {
    this.#received += text;
    if (!this.#received.endsWith(ANSWER_END)) return;
    const { resolve, reject } = this.#waiting;
    if (this.#received.startsWith('HTTP/1.1 200')) resolve();
    else reject(new Error(this.#received));
    this.#received = '';
  }
}

export const steadyClients = async (port, connections, path = '/') => {
  const clients = Array.from({ length: connections }, () => new Client(port, path));
  await Promise.all(clients.map(({ connected }) => connected));

  /** So many requests, the next one on a connection as soon as the last one was answered; milliseconds of each. */
  const slice = async (count) => {
    let sent = 0;
    const at = performance.now();
    const askOn = async (client) => {
      while (sent < count) {
        sent += 1;
        await client.ask();
      }
    };
    await Promise.all(clients.map(askOn));
    return (performance.now() - at) / count;
  };

  /**
   * Requests when they are due, whether others were answered or not; how many milliseconds each took. A timer has a
   * resolution of one millisecond: of more than 1,000 a second some are sent together.
   */
  const atRate = async (perSecond, seconds) => {
    const free = [...clients];
    const asked = [];
    const took = [];
    const ask = async () => {
      const client = free.pop();
      if (client === undefined) throw new Error(`more than ${connections} requests at once`);
      const at = performance.now();
      await client.ask();
      took.push(performance.now() - at);
      free.unshift(client);
    };
    const startedAt = performance.now();
    while (asked.length < perSecond * seconds) {
      const due = ((performance.now() - startedAt) / 1000) * perSecond;
      while (asked.length < due) asked.push(ask());
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(asked);
    return took;
  };

  return { slice, atRate, end: () => clients.forEach((client) => client.end()) };
};
