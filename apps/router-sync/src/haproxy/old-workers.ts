import { workersOf } from './process.js';
import { showServers } from './read.js';
import { KEEP_ALIVE_SECONDS, REQUEST_HEAD_SECONDS } from './render.js';
import { HaproxyRuntime } from './runtime.js';
import {
  parseServersState,
  parseSessionIds,
  parseSessions,
  type HaproxyState,
  type ServerSlot,
} from './state.js';
import { placeIn } from './tcp.js';
import type { RouterPaths } from '../routes/router-paths.js';
import type { RouteAction } from '../routes/router.port.js';

/** Workers that a reload left: they end what they began. */
export class OldWorkers {
  private readonly master: HaproxyRuntime;

  constructor(
    private readonly runtime: HaproxyRuntime,
    private readonly paths: RouterPaths,
  ) {
    this.master = new HaproxyRuntime(paths.master);
  }

  /** What is under way where nothing new should go, and where an old worker may still send something. */
  async underWayAt(all: Iterable<ServerSlot>) {
    const slots = [...all].filter((slot) => slot.state !== 'ready');
    const mayServe = new Set<string>();
    const sessions = new Map<string, number>();
    if (slots.length === 0) return { mayServe, sessions };

    const answers = await this.runtime.ask(slots.map(showServerStat));
    slots.forEach((slot, i) => sessions.set(slot.key, parseSessions(answers[i] ?? '')));
    const workers = await workersOf(this.paths);
    const mayBegin = workers.currentSeconds < LAST_REQUEST_SECONDS;
    for (const pid of workers.old) {
      for (const slot of slots) {
        const there = parseServersState(await this.askWorker(pid, showServers(slot.backend)));
        const isReady = there.find(({ key }) => key === slot.key)?.state === 'ready';
        if (mayBegin && isReady) mayServe.add(slot.key);
        const more = parseSessions(await this.askWorker(pid, showServerStat(slot)));
        sessions.set(slot.key, (sessions.get(slot.key) ?? 0) + more);
      }
    }
    return { mayServe, sessions };
  }

  /** A worker on its way out refuses every change of a server; single sessions it still ends. */
  async cut(actions: readonly RouteAction[], state: HaproxyState): Promise<void> {
    const cut = new Set(actions.flatMap((a) => (a.kind === 'cut' ? a.instanceId : [])));
    if (cut.size === 0) return;
    const slots = [...state.servers.values()].filter(({ key }) => {
      return cut.has(placeIn(key, state.owners.get(key) ?? ''));
    });
    for (const pid of (await workersOf(this.paths)).old) {
      const sessions = await this.askWorker(pid, 'show sess');
      for (const { backend, server } of slots) {
        for (const id of parseSessionIds(sessions, backend, server)) {
          await this.askWorker(pid, `shutdown session ${id}`);
        }
      }
    }
  }

  private askWorker(pid: number, command: string): Promise<string> {
    return this.master.askMaster(`@!${pid} ${command}`);
  }
}

/**
 * A connection that a client kept open may bring one more request to an old worker until it times out
 * (`timeout http-keep-alive`, then `timeout http-request`); later, nothing begins there.
 */
const LAST_REQUEST_SECONDS = KEEP_ALIVE_SECONDS + REQUEST_HEAD_SECONDS + 5;

const showServerStat = (slot: ServerSlot): string => `show stat ${slot.backend} 4 ${slot.serverId}`;
