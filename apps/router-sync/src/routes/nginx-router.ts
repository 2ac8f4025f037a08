import type { TrafficCounters } from '@shiplog/domain';
import { faultPoint } from '@shiplog/runtime';
import { replaceFile } from './haproxy-files.js';
import { NginxAdmin } from './nginx-admin.js';
import { translate } from './nginx-changes.js';
import { readEarlier } from './nginx-earlier.js';
import type { NginxPaths } from './nginx-files.js';
import { tableText, type NginxAnswer, type NginxTable } from './nginx-table.js';
import { NGINX_HEAD_SECONDS } from './render-nginx.js';
import type { ActualEndpoint, ActualRoutes, RouteAction, Router } from './router.port.js';

interface Known {
  readonly generation: string;
  readonly table: NginxTable;
}

/** Routes in the memory that the workers of nginx share. Everything is read back from there. */
export class NginxRouter implements Router {
  readonly kind = 'nginx';
  private readonly admin: NginxAdmin;
  /** Read from nginx; it holds as long as nginx names this generation. */
  private known: Known | undefined;
  /** Generation that the file beside the configuration holds. */
  private saved = '';

  constructor(private readonly paths: NginxPaths) {
    this.admin = new NginxAdmin(paths.admin);
  }

  async observe(): Promise<ActualRoutes> {
    const { sessions } = await this.read();
    const { table, generation } = this.current();
    // Whoever changed it last may have died before the file was written.
    if (this.saved !== generation) await this.save();
    const earlier = await this.earlierWorkers();

    const endpoints = new Map<string, ActualEndpoint>();
    for (const own of table.apps.values()) {
      for (const instance of own.values()) {
        const isOut = instance.state !== 'serving';
        endpoints.set(instance.instanceId, {
          ...instance,
          state: isOut && earlier.mayBegin ? 'leaving' : instance.state,
          sessions: isOut ? (sessions.get(instance.instanceId) ?? 0) + earlier.sessions : 0,
        });
      }
    }
    const bound = new Set(table.hosts.values());
    const empty = [...table.apps].filter(([appId, own]) => own.size === 0 && !bound.has(appId));
    return {
      hosts: table.hosts,
      endpoints,
      emptyPools: new Map(empty.map(([appId]) => [appId, 0])),
    };
  }

  async apply(actions: readonly RouteAction[]): Promise<void> {
    if (actions.length === 0) return;
    // Nobody else writes: what was observed a moment ago still holds, and time matters here.
    if (this.known === undefined) await this.read();
    const lines = translate(this.current().table, actions);
    if (lines.length === 0) return;
    faultPoint('router-sync/before-change');
    try {
      await this.admin.change(lines);
    } finally {
      this.known = undefined;
    }
    faultPoint('router-sync/after-change');
    await this.read();
    await this.save();
    faultPoint('router-sync/after-write-state');
  }

  traffic(appId: string): Promise<ReadonlyMap<string, TrafficCounters>> {
    return this.admin.traffic(appId);
  }

  private async read(): Promise<NginxAnswer> {
    const answer = await this.admin.read(this.known?.generation);
    if (answer.table !== undefined)
      this.known = { generation: answer.generation, table: answer.table };
    return answer;
  }

  private current(): Known {
    if (this.known === undefined) throw new Error('nginx was not read');
    return this.known;
  }

  private async save(): Promise<void> {
    const { generation, table } = this.current();
    await replaceFile(this.paths.routes, tableText(table));
    this.saved = generation;
  }

  /** Workers whose master was killed do not share this memory: what they have in hand is not known. */
  private async earlierWorkers(): Promise<{ mayBegin: boolean; sessions: number }> {
    const earlier = await readEarlier(this.paths);
    if (earlier === undefined) return { mayBegin: false, sessions: 0 };
    const mayBegin = Date.now() - earlier.sinceMs < LAST_REQUEST_MS;
    return { mayBegin, sessions: earlier.pids.length };
  }
}

/** A connection that was taken just before they were asked to end may bring one request. */
const LAST_REQUEST_MS = (NGINX_HEAD_SECONDS + 5) * 1000;
