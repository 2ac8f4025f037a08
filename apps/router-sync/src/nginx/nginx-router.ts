import type { TrafficCounters } from '@shiplog/domain';
import { faultPoint } from '@shiplog/runtime';
import { allRoutes, routesOf, type Seen } from './actual-routes.js';
import { NginxAdmin } from './admin.js';
import { translate } from './changes.js';
import { readEarlier } from './earlier.js';
import type { NginxPaths } from './files.js';
import { NginxRoutesFile } from './routes-file.js';
import { tableOf, tableText, type NginxAnswer, type RoutesTable } from './table.js';
import { NGINX_HEAD_SECONDS } from './render.js';
import { portIn, portOf } from '../routes/places.js';
import {
  RouterError,
  type ActualRoutes,
  type RouteAction,
  type Router,
  type UnderWay,
} from '../routes/router.port.js';

interface Known {
  readonly generation: string;
  readonly table: RoutesTable;
}

/** Routes in the memory that the workers of nginx share. Everything is read back from there. */
export class NginxRouter implements Router {
  readonly kind = 'nginx';
  private readonly admin: NginxAdmin;
  /** Read from nginx; it holds as long as nginx names this generation. */
  private known: Known | undefined;
  /** Generation that the file beside the configuration holds. */
  private saved = '';

  private readonly file: NginxRoutesFile;

  constructor(private readonly paths: NginxPaths) {
    this.admin = new NginxAdmin(paths.admin);
    this.file = new NginxRoutesFile(paths.routes);
  }

  async observe(): Promise<ActualRoutes> {
    return allRoutes(await this.look());
  }

  async observeApps(appIds: ReadonlySet<string>): Promise<ActualRoutes> {
    return routesOf(appIds, await this.look());
  }

  private async look(): Promise<Seen> {
    const { sessions } = await this.read();
    const { table, generation } = this.current();
    // Whoever changed it last may have died before the file was written.
    if (this.saved !== generation) await this.save();
    return { table, sessions, earlier: await this.earlierWorkers() };
  }

  async apply(actions: readonly RouteAction[]): Promise<void> {
    if (actions.length === 0) return;
    refusePorts(actions);
    // Nobody else writes: what was observed a moment ago still holds, and time matters here.
    if (this.known === undefined) await this.read();
    const lines = translate(this.current().table, actions);
    if (lines.length === 0) return;
    faultPoint('router-sync/before-change');
    const before = this.current();
    this.known = undefined;
    const answer = await this.admin.change(lines);
    faultPoint('router-sync/after-change');
    if (isNext(before.generation, answer.generation)) {
      before.table.change(answer.lines ?? []);
      this.known = { generation: answer.generation, table: before.table };
    } else {
      await this.read();
    }
    const isAdded =
      this.saved === before.generation && (await this.file.add(lines.filter(isRoute)));
    if (isAdded) this.saved = answer.generation;
    else await this.save();
    faultPoint('router-sync/after-write-state');
  }

  traffic(appId: string): Promise<ReadonlyMap<string, TrafficCounters>> {
    return this.admin.traffic(appId);
  }

  async underWay(): Promise<UnderWay> {
    // What is known stays as it is: a round may be under way.
    const { sessions } = await this.admin.read(this.known?.generation);
    const ids = [...(this.known?.table.appOf ?? sessions).keys()];
    // Nobody waits for a place: Nginx has no queue.
    return { instances: new Map(ids.map((id) => [id, sessions.get(id) ?? 0])), queued: new Map() };
  }

  private async read(): Promise<NginxAnswer> {
    const answer = await this.admin.read(this.known?.generation);
    if (answer.lines !== undefined) {
      this.known = { generation: answer.generation, table: tableOf(answer.lines) };
    }
    return answer;
  }

  private current(): Known {
    if (this.known === undefined) throw new Error('nginx was not read');
    return this.known;
  }

  private async save(): Promise<void> {
    const { generation, table } = this.current();
    await this.file.write(tableText(table));
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

/** A cut is of now. */
const isRoute = (line: string): boolean => !line.startsWith('cut ');

/** Nothing was changed between the two but by the one who asks. */
const isNext = (before: string, after: string): boolean => {
  const [epoch, count] = before.split('.');
  return after === `${epoch}.${Number(count) + 1}`;
};

/** A connection that was taken just before they were asked to end may bring one request. */
const LAST_REQUEST_MS = (NGINX_HEAD_SECONDS + 5) * 1000;

/** Its stream module is another package; ports were added while HAProxy served. */
const refusePorts = (actions: readonly RouteAction[]): void => {
  const isOfPort = actions.some(
    (action) =>
      (action.kind === 'bind-host' && portIn(action.host) !== undefined) ||
      (action.kind === 'serve' && portOf(action.endpoint.instanceId) !== undefined),
  );
  if (isOfPort)
    throw new RouterError(
      'router-refused',
      'Nginx serves no TCP ports here: remove them, or take HAProxy',
      { isOfApp: true },
    );
};
