import { Controller, Inject, Req } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { AppCommand } from '@shiplog/domain';
import type { Settings } from '@shiplog/events';
import type { PlatformConfig, ProcessContext } from '@shiplog/runtime';
import type { Request } from 'express';
import type { Change } from '../changes/changes.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { originOf } from '../http/origin.js';
import { Problem } from '../http/problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import { gitUrlOf, urlOfApp } from './addresses.js';
import { appDocument, ListApps, ShowApp } from './apps.queries.js';
import * as routes from './apps.routes.js';
import { ChangeApp } from './change-app.handler.js';
import { CreateApp } from './create-app.handler.js';

@Controller()
export class AppsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
  ) {}

  @Handles(routes.createApp)
  async create(
    @Admission() { body, caller, context }: Admitted<typeof routes.createApp>,
    @Req() request: Request,
  ): Reply<typeof routes.createApp> {
    const teamId = caller.teamIds[0];
    if (teamId === undefined) {
      throw new Problem(
        'no-team',
        'An app belongs to a team and you are in none. Ask an administrator.',
      );
    }
    const { appId, position } = await this.commands.execute(
      new CreateApp(body.name, teamId, context),
    );
    const { revision } = this.api.world.get('app', appId);
    const origin = originOf(request, this.api.config);
    return {
      body: {
        id: appId,
        name: body.name,
        teamId,
        url: urlOfApp(body.name, this.api.config),
        gitUrl: gitUrlOf(body.name, origin),
        revision,
        sequence: sequenceAt(position),
      },
      position,
      revision,
    };
  }

  @Handles(routes.listApps)
  async list(
    @Admission() { caller, documents }: Admitted<typeof routes.listApps>,
  ): Reply<typeof routes.listApps> {
    const body = await this.queries.execute(new ListApps(documents, caller));
    return { body, position: await documents.position() };
  }

  @Handles(routes.showApp)
  async show(
    @Admission() { app, at, documents }: Admitted<typeof routes.showApp>,
    @Req() request: Request,
  ): Reply<typeof routes.showApp> {
    const origin = originOf(request, this.api.config);
    const body = await this.queries.execute(new ShowApp(documents, app.appId, origin, at));
    return { body, position: await documents.position(), revision: body.revision };
  }

  @Handles(routes.destroyApp)
  async destroy(
    @Admission() request: Admitted<typeof routes.destroyApp>,
  ): Reply<typeof routes.destroyApp> {
    const { position } = await this.change(request, {
      type: 'DestroyApp',
      confirm: request.query.confirm,
      removesVolumes: request.query.volumes,
    });
    const { appId } = request.app;
    const left = this.api.world.leftVolumes.all();
    const keptVolumes = left.flatMap((one) =>
      one.appId === appId && !one.isRemoved ? one.name : [],
    );
    return { body: { sequence: sequenceAt(position), keptVolumes }, position };
  }

  @Handles(routes.showSettings)
  async showSettings(
    @Admission() { app, documents }: Admitted<typeof routes.showSettings>,
  ): Reply<typeof routes.showSettings> {
    const { settings, checks, revision } = await appDocument(documents, app.appId);
    return { body: { ...settings, checks }, position: await documents.position(), revision };
  }

  @Handles(routes.changeSettings)
  async changeSettings(
    @Admission() request: Admitted<typeof routes.changeSettings>,
  ): Reply<typeof routes.changeSettings> {
    const { appId } = request.app;
    const baseVersion = this.api.world.liveOf(appId)?.release.version ?? null;
    const { checks, ...changes } = request.body;
    assertRouterSpeaks(changes.protocol, this.api.config.router);
    const { position } = await this.change(request, {
      type: 'ChangeSettings',
      changes,
      checks,
      baseVersion,
    });
    const { settings, checks: checksNow = {} } = this.active(appId);
    return {
      body: { sequence: sequenceAt(position), settings: { ...settings, checks: checksNow } },
      position,
      revision: this.revisionOf(appId),
    };
  }

  @Handles(routes.scaleApp)
  async scale(
    @Admission() request: Admitted<typeof routes.scaleApp>,
  ): Reply<typeof routes.scaleApp> {
    const { position } = await this.change(request, { type: 'Scale', formation: request.body });
    const { formation } = this.active(request.app.appId);
    return {
      body: { sequence: sequenceAt(position), formation },
      position,
      revision: this.revisionOf(request.app.appId),
    };
  }

  @Handles(routes.restartApp)
  restart(
    @Admission() request: Admitted<typeof routes.restartApp>,
  ): Reply<typeof routes.restartApp> {
    const baseVersion = this.api.world.liveOf(request.app.appId)?.release.version ?? null;
    return this.lifecycle(request, { type: 'Restart', baseVersion });
  }

  @Handles(routes.stopApp)
  stop(@Admission() request: Admitted<typeof routes.stopApp>): Reply<typeof routes.stopApp> {
    return this.lifecycle(request, { type: 'StopApp' });
  }

  @Handles(routes.startApp)
  start(@Admission() request: Admitted<typeof routes.startApp>): Reply<typeof routes.startApp> {
    return this.lifecycle(request, { type: 'StartApp' });
  }

  private async lifecycle(
    request: Pick<Admitted, 'app' | 'context'>,
    command: AppCommand,
  ): Reply<typeof routes.stopApp> {
    const { position } = await this.change(request, command);
    const revision = this.revisionOf(request.app.appId);
    return { body: { sequence: sequenceAt(position) }, position, revision };
  }

  private change(
    { app, context }: Pick<Admitted, 'app' | 'context'>,
    command: AppCommand,
  ): Promise<Change<'app'>> {
    return this.commands.execute(new ChangeApp(app.appId, command, context));
  }

  private active(appId: string) {
    const app = this.api.world.app(appId);
    if (app !== undefined) return app;
    throw new Problem('app-not-found', 'The app was destroyed in the same moment.');
  }

  private revisionOf(appId: string): string {
    return this.api.world.get('app', appId).revision;
  }
}

/** Nginx speaks HTTP/1.1 to instances and nothing else. */
const assertRouterSpeaks = (
  protocol: Settings['protocol'] | undefined,
  router: PlatformConfig['router'],
): void => {
  if (protocol === undefined || protocol === 'http' || router !== 'nginx') return;
  throw new Problem(
    'router-cannot',
    `protocol: Nginx does not speak ${protocol} to instances. The platform has to run with SHIPLOG_ROUTER=haproxy for it.`,
  );
};
