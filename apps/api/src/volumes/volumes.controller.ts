import { Controller, Inject } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { AppCommand, KnownVolume } from '@shiplog/domain';
import type { Position } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import { ChangeApp } from '../apps/change-app.handler.js';
import { belongsTo } from '../auth/caller.js';
import type { Changes } from '../changes/changes.js';
import { newIdFor } from '../changes/ids.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Problem } from '../http/problem.js';
import { problemOf } from '../http/rejection-problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CHANGES, CONTEXT } from '../injection.js';
import { ListKeptVolumes, ListVolumes, toVolume } from './volumes.queries.js';
import * as routes from './volumes.routes.js';

@Controller()
export class VolumesController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
    @Inject(CHANGES) private readonly changes: Changes,
  ) {}

  @Handles(routes.listVolumes)
  async list(
    @Admission() { app, documents }: Admitted<typeof routes.listVolumes>,
  ): Reply<typeof routes.listVolumes> {
    const body = await this.queries.execute(new ListVolumes(documents, app.appId));
    return { body, position: await documents.position() };
  }

  @Handles(routes.addVolume)
  async add(
    @Admission() request: Admitted<typeof routes.addVolume>,
  ): Reply<typeof routes.addVolume> {
    const { body, context } = request;
    const position = await this.change(request, {
      type: 'AddVolume',
      volumeId: newIdFor('vol', context),
      ...body,
      baseVersion: this.liveVersion(request.app.appId),
    });
    return this.changed(request.app.appId, body.name, position);
  }

  @Handles(routes.changeVolume)
  async patch(
    @Admission() request: Admitted<typeof routes.changeVolume>,
  ): Reply<typeof routes.changeVolume> {
    const { app, params, body } = request;
    const position = await this.change(request, {
      type: 'ChangeVolume',
      name: params.volume,
      changes: definedOf(body),
      baseVersion: this.liveVersion(app.appId),
      inUseBy: this.usersOf(app.appId, params.volume),
    });
    return this.changed(app.appId, params.volume, position);
  }

  @Handles(routes.changeVolumeBackup)
  async changeBackup(
    @Admission() request: Admitted<typeof routes.changeVolumeBackup>,
  ): Reply<typeof routes.changeVolumeBackup> {
    const { app, params, body } = request;
    const position = await this.change(request, {
      type: 'ChangeVolumeBackup',
      ...{ name: params.volume, changes: definedOf(body) },
    });
    return this.changed(app.appId, params.volume, position);
  }

  @Handles(routes.recreateVolume)
  async recreate(
    @Admission() request: Admitted<typeof routes.recreateVolume>,
  ): Reply<typeof routes.recreateVolume> {
    const { app, params, body } = request;
    const { volumeId = '', incarnation = 0 } = this.volumeOf(app.appId, params.volume) ?? {};
    const { state } = this.api.world.get('volume', volumeId);
    const isMissing = state.status === 'missing' && state.incarnation === incarnation;
    const position = await this.change(request, {
      type: 'RecreateVolume',
      ...{ name: params.volume, confirm: body.confirm, isMissing },
    });
    return this.changed(app.appId, params.volume, position);
  }

  @Handles(routes.removeVolume)
  async remove(
    @Admission() request: Admitted<typeof routes.removeVolume>,
  ): Reply<typeof routes.removeVolume> {
    const { app, params, query } = request;
    const position = await this.change(request, {
      type: 'RemoveVolume',
      name: params.volume,
      confirm: query.confirm,
      inUseBy: this.usersOf(app.appId, params.volume),
    });
    return { body: { sequence: sequenceAt(position) }, position };
  }

  @Handles(routes.listKeptVolumes)
  async listKept(
    @Admission() { caller }: Admitted<typeof routes.listKeptVolumes>,
  ): Reply<typeof routes.listKeptVolumes> {
    const body = await this.queries.execute(new ListKeptVolumes(caller));
    return { body, position: this.api.world.position };
  }

  /** The app's own stream has ended: it is the team's to say. */
  @Handles(routes.removeKeptVolume)
  async removeKept(
    @Admission() { params, query, caller, context }: Admitted<typeof routes.removeKeptVolume>,
  ): Reply<typeof routes.removeKeptVolume> {
    const known = this.changes.known(context);
    if (known !== undefined) {
      return { body: { sequence: sequenceAt(known.position) }, position: known.position };
    }
    const kept = this.api.world.leftVolumes.get(params.volume);
    if (kept === undefined || kept.isRemoved || !belongsTo(caller, kept.teamId)) {
      throw new Problem(
        'volume-not-found',
        `No destroyed app left a volume ${params.volume} behind. \`shiplog volumes kept\` lists those that are.`,
      );
    }
    const { teamId, appId, volumeId, name } = kept;
    if (query.confirm !== name) {
      throw problemOf({ code: 'confirmation-mismatch', expected: name, what: 'volume' });
    }
    const command = { type: 'RemoveKeptVolume', appId, volumeId, name } as const;
    const { position } = await this.changes.make('team', teamId, command, context);
    return { body: { sequence: sequenceAt(position) }, position };
  }

  private async change(
    { app, context }: Pick<Admitted, 'app' | 'context'>,
    command: AppCommand,
  ): Promise<Position> {
    const { position } = await this.commands.execute(new ChangeApp(app.appId, command, context));
    return position;
  }

  private changed(appId: string, name: string, position: Position) {
    const volume = this.volumeOf(appId, name);
    if (volume === undefined) {
      throw new Problem('volume-not-found', 'The volume was removed in the same moment.');
    }
    const { state } = this.api.world.get('volume', volume.volumeId);
    const isSeen = 'incarnation' in state && state.incarnation === volume.incarnation;
    const body = toVolume({
      ...volume,
      state: isSeen ? state.status : 'declared',
      aboveBytes: isSeen ? (state.above?.usedBytes ?? null) : null,
    });
    const { revision } = this.api.world.get('app', appId);
    return { body: { sequence: sequenceAt(position), volume: body }, position, revision };
  }

  private liveVersion(appId: string): number | null {
    return this.api.world.liveOf(appId)?.release.version ?? null;
  }

  private volumeOf(appId: string, name: string): KnownVolume | undefined {
    const { volumes = {} } = this.api.world.app(appId) ?? {};
    return Object.hasOwn(volumes, name) ? volumes[name] : undefined;
  }

  /** Who may have it in their containers, until the log says that they ended. One-off commands have what is shared. */
  private usersOf(appId: string, name: string): readonly string[] {
    const { processes = [], shared = false } = this.volumeOf(appId, name) ?? {};
    const runs = shared ? this.api.world.runsOf(appId) : [];
    return [
      ...this.api.world
        .instancesOf(appId)
        .flatMap(({ instanceId, process }) => (processes.includes(process) ? instanceId : [])),
      ...runs.flatMap(({ runId, status }) => (status === 'ended' ? [] : runId)),
    ];
  }
}

const definedOf = <T extends object>(partial: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(partial).filter(([, value]) => value !== undefined)) as never;
