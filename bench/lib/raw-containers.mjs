// Containers that a benchmark makes by the engine's API alone, to compare with. They carry its name, which ends with
// its pid: what a killed one left is removed at the next start.
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const LABEL = 'shiplog.bench';
const AGAIN_MS = 5;

const untilItAnswers = async ({ NetworkSettings, Ports }) => {
  const [{ IPAddress: host }] = Object.values(NetworkSettings.Networks);
  const [{ PrivatePort: port }] = Ports;
  const isAnswering = () =>
    new Promise((resolve) => {
      const socket = connect({ host, port });
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  while (!(await isAnswering())) await delay(AGAIN_MS);
};

export class RawContainers {
  #engine;
  #owner;

  /** `owner`: such as `bench-deploy-4711`. */
  constructor(engine, owner) {
    this.#engine = engine;
    this.#owner = owner;
    // Killed by a signal that can be heard: nothing stays.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
      process.once(signal, () => void this.clear().finally(() => process.exit(1)));
  }

  /** Creates and starts one. */
  async run(options) {
    const container = await this.#engine.createContainer({
      ...options,
      Labels: { [LABEL]: this.#owner },
    });
    await container.start();
    return container;
  }

  /** So many, at most so many at a time. */
  async runMany(options, count, atATime) {
    let left = count;
    const some = async () => {
      while (left > 0) {
        left -= 1;
        await this.run(options);
      }
    };
    await Promise.all(Array.from({ length: atATime }, some));
  }

  /** Resolves when the program of each of them takes connections, as an instance that serves does. */
  async untilTheyAnswer() {
    const filters = { label: [`${LABEL}=${this.#owner}`] };
    const running = await this.#engine.listContainers({ filters });
    await Promise.all(running.map(untilItAnswers));
  }

  async clear() {
    await this.#remove((owner) => owner === this.#owner);
  }

  /** Of benchmarks that do not run any more. */
  async clearAbandoned() {
    await this.#remove((owner) => !existsSync(`/proc/${/\d+$/.exec(owner)?.[0]}`));
  }

  async #remove(isUnwanted) {
    const found = await this.#engine.listContainers({ all: true, filters: { label: [LABEL] } });
    const unwanted = found.filter(({ Labels }) => isUnwanted(Labels[LABEL]));
    await Promise.all(
      unwanted.map(({ Id }) =>
        this.#engine
          .getContainer(Id)
          .remove({ force: true })
          .catch(() => undefined),
      ),
    );
  }
}
