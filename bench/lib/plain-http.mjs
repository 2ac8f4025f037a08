// As little of an HTTP/1.1 client as load needs: it costs a third of the CPU of Node's own, which the proxy under load gets.
// One request at a time on a connection; an error says whether anything may have been sent.
import { connect } from 'node:net';

/** `begun`: the server may have seen the request. `openedAtMs`: since when there was the connection that failed. */
class AskError extends Error {
  constructor(message, { begun, openedAtMs }) {
    super(message);
    Object.assign(this, { begun, openedAtMs });
  }
}

class Connection {
  #socket;
  #isConnected = false;
  #received = '';
  #waiting;
  #openedAtMs = Date.now();
  isUsable = true;

  constructor(port, timeoutMs) {
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.setEncoding('latin1').setTimeout(timeoutMs);
    this.#socket.on('connect', () => (this.#isConnected = true));
    this.#socket.on('data', (text) => this.#take(text));
    this.#socket.on('timeout', () => this.#fail(`no answer in ${timeoutMs} ms`));
    this.#socket.on('error', (error) => this.#fail(error.code ?? error.message));
    this.#socket.on('close', () => this.#fail('closed'));
    this.#socket.on('end', () => this.#fail('closed'));
  }

  ask(text) {
    return new Promise((resolve, reject) => {
      this.#received = '';
      this.#waiting = { resolve, reject };
      this.#socket.write(text);
    });
  }

  close() {
    this.isUsable = false;
    this.#socket.destroy();
  }

  #take(text) {
    this.#received += text;
    const answer = parsed(this.#received);
    if (answer === undefined || this.#waiting === undefined) return;
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    if (answer.headers.get('connection') === 'close') this.close();
    resolve(answer);
  }

  #fail(message) {
    this.close();
    const [begun, openedAtMs] = [this.#isConnected, this.#openedAtMs];
    this.#waiting?.reject(new AskError(message, { begun, openedAtMs }));
    this.#waiting = undefined;
  }
}

/** Undefined until all of it is there. */
const parsed = (text) => {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [first, ...lines] = text.slice(0, headEnd).split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const body = text.slice(headEnd + 4);
  const isWhole =
    headers.get('transfer-encoding') === 'chunked'
      ? body.endsWith('0\r\n\r\n')
      : body.length >= Number(headers.get('content-length') ?? 0);
  return isWhole ? { status: Number(first.split(' ')[1]), headers, body } : undefined;
};

/** Connections to a port of this machine that are kept, at most so many. */
export class Connections {
  #free = [];
  #open = 0;
  #queue = [];

  constructor(port, { timeoutMs, max }) {
    this.port = port;
    this.timeoutMs = timeoutMs;
    this.max = max;
  }

  /** On a connection that is kept, unless `isAlone`. */
  async ask(text, isAlone) {
    if (isAlone) {
      const connection = new Connection(this.port, this.timeoutMs);
      return connection.ask(text).finally(() => connection.close());
    }
    if (this.#open >= this.max && this.#free.length === 0)
      await new Promise((resolve) => this.#queue.push(resolve));
    const connection = this.#take();
    try {
      return await connection.ask(text);
    } finally {
      if (connection.isUsable) this.#free.push(connection);
      else this.#open -= 1;
      this.#queue.shift()?.();
    }
  }

  #take() {
    for (let kept; (kept = this.#free.pop()) !== undefined; this.#open -= 1)
      if (kept.isUsable) return kept;
    this.#open += 1;
    return new Connection(this.port, this.timeoutMs);
  }
}
