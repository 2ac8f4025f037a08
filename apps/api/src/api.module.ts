import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import type { RunningReadModels } from '@shiplog/read-models';
import type { ProcessContext } from '@shiplog/runtime';
import type { SourceStore } from '@shiplog/sources';
import { AppsController } from './apps/apps.controller.js';
import { LimitsController } from './limits/limits.controller.js';
import { ListLimitsHandler } from './limits/limits.queries.js';
import { ListAppsHandler, ShowAppHandler } from './apps/apps.queries.js';
import { ChangeAppHandler } from './apps/change-app.handler.js';
import { CreateAppHandler } from './apps/create-app.handler.js';
import { BackupsController } from './backups/backups.controller.js';
import { BuildsController } from './builds/builds.controller.js';
import { ListBuildsHandler, ShowBuildHandler } from './builds/builds.queries.js';
import { RequestBuildHandler } from './builds/request-build.handler.js';
import { AuditController } from './audit/audit.controller.js';
import { ReadAuditHandler } from './audit/audit.queries.js';
import { ErasePersonHandler } from './audit/erase-person.handler.js';
import type { AuditRecorder } from './audit/audit-recorder.js';
import type { Persons } from './audit/persons.js';
import type { Changes } from './changes/changes.js';
import { BasicAuthController } from './basic-auth/basic-auth.controller.js';
import { ChangeBasicAuthHandler } from './basic-auth/change-basic-auth.handler.js';
import { ChangeConfigHandler } from './config/change-config.handler.js';
import { GatesController } from './gates/gates.controller.js';
import { CertificatesController } from './certificates/certificates.controller.js';
import { MaintenanceController } from './maintenance/maintenance.controller.js';
import { ConfigController } from './config/config.controller.js';
import { ListConfigHandler, ShowConfigHandler } from './config/config.queries.js';
import { CronController } from './cron/cron.controller.js';
import { ListCronJobsHandler } from './cron/cron.queries.js';
import { DeploysController } from './deploys/deploys.controller.js';
import { ListDeploysHandler, ShowDeployHandler } from './deploys/deploys.queries.js';
import { CheckDomainHandler } from './domains/check-domain.handler.js';
import { Claims } from './domains/claims.js';
import type { Ownership } from './domains/ownership.js';
import { DomainsController } from './domains/domains.controller.js';
import { AddDomainHandler, RemoveDomainHandler } from './domains/domains.handlers.js';
import { EventsController } from './events/events.controller.js';
import { ReadEventsHandler } from './events/events.queries.js';
import { AnswerInterceptor } from './http/answer.interceptor.js';
import type { Door } from './http/door.js';
import { ProblemFilter } from './http/problem.filter.js';
import { RouteGuard } from './http/route.guard.js';
import * as tokens from './injection.js';
import { InstancesController } from './instances/instances.controller.js';
import { ListInstancesHandler } from './instances/instances.queries.js';
import type { PlatformKeyStore } from '@shiplog/secrets';
import { KeysController } from './keys/keys.controller.js';
import { DiagnoseHandler } from './platform/doctor.query.js';
import { GarbageController } from './platform/garbage.controller.js';
import type { Checkpoints } from './integrity/checkpoints.js';
import { IntegrityController } from './integrity/integrity.controller.js';
import { PlatformController } from './platform/platform.controller.js';
import type { Telemetry } from './platform/telemetry.js';
import { PortsController } from './ports/ports.controller.js';
import { AddPortHandler, RemovePortHandler } from './ports/ports.handlers.js';
import { ReleasesController } from './releases/releases.controller.js';
import { ListReleasesHandler, ShowReleaseHandler } from './releases/releases.queries.js';
import { PromoteReleaseHandler } from './releases/promote-release.handler.js';
import { RollBackHandler } from './releases/roll-back.handler.js';
import { ReplayController } from './replay/replay.controller.js';
import { ReplayHandler } from './replay/replay.query.js';
import { RunsController } from './runs/runs.controller.js';
import { ListRunsHandler, ShowRunHandler } from './runs/runs.queries.js';
import { TokensController } from './tokens/tokens.controller.js';
import { CreateTokenHandler, RevokeTokenHandler } from './tokens/tokens.handlers.js';
import { TrafficController } from './traffic/traffic.controller.js';
import { UndoController } from './undo/undo.controller.js';
import { UndoChangeHandler } from './undo/undo.handler.js';
import { ProposeUndoHandler } from './undo/undo.queries.js';
import { VolumesController } from './volumes/volumes.controller.js';
import { ListKeptVolumesHandler, ListVolumesHandler } from './volumes/volumes.queries.js';
import { WhyController } from './why/why.controller.js';
import { ShowCausesHandler } from './why/why.queries.js';

/** What the module wires together and did not make. */
export interface ApiParts {
  readonly context: ProcessContext;
  readonly door: Door;
  readonly changes: Changes;
  readonly ownership: Ownership;
  readonly keys: PlatformKeyStore;
  readonly audit: AuditRecorder;
  readonly persons: Persons;
  readonly checkpoints: Checkpoints;
  readonly sources: SourceStore;
  readonly readModels: RunningReadModels;
  readonly telemetry: Telemetry;
}

const COMMAND_HANDLERS = [
  CreateAppHandler,
  ChangeAppHandler,
  ChangeConfigHandler,
  ChangeBasicAuthHandler,
  RequestBuildHandler,
  RollBackHandler,
  PromoteReleaseHandler,
  AddDomainHandler,
  RemoveDomainHandler,
  CheckDomainHandler,
  AddPortHandler,
  RemovePortHandler,
  CreateTokenHandler,
  RevokeTokenHandler,
  ErasePersonHandler,
  UndoChangeHandler,
];

const QUERY_HANDLERS = [
  ListAppsHandler,
  ShowAppHandler,
  ListConfigHandler,
  ShowConfigHandler,
  ListBuildsHandler,
  ShowBuildHandler,
  ListDeploysHandler,
  ShowDeployHandler,
  ListReleasesHandler,
  ShowReleaseHandler,
  ListInstancesHandler,
  ListLimitsHandler,
  ListRunsHandler,
  ShowRunHandler,
  ListCronJobsHandler,
  ListVolumesHandler,
  ListKeptVolumesHandler,
  ReadEventsHandler,
  ReadAuditHandler,
  ShowCausesHandler,
  DiagnoseHandler,
  ReplayHandler,
  ProposeUndoHandler,
];

@Module({})
export class ApiModule {
  static of(parts: ApiParts): DynamicModule {
    return {
      module: ApiModule,
      imports: [CqrsModule.forRoot()],
      controllers: [
        AppsController,
        ConfigController,
        BasicAuthController,
        GatesController,
        MaintenanceController,
        BuildsController,
        DeploysController,
        ReleasesController,
        InstancesController,
        LimitsController,
        TrafficController,
        RunsController,
        CronController,
        VolumesController,
        DomainsController,
        PortsController,
        CertificatesController,
        TokensController,
        EventsController,
        AuditController,
        WhyController,
        IntegrityController,
        PlatformController,
        GarbageController,
        BackupsController,
        KeysController,
        ReplayController,
        UndoController,
      ],
      providers: [
        { provide: tokens.CONTEXT, useFactory: () => parts.context },
        { provide: tokens.DOOR, useFactory: () => parts.door },
        { provide: tokens.OWNERSHIP, useFactory: () => parts.ownership },
        {
          provide: tokens.CLAIMS,
          useFactory: () =>
            new Claims(parts.context, parts.changes, parts.ownership, () => new Date()),
        },
        { provide: tokens.CHANGES, useFactory: () => parts.changes },
        { provide: tokens.KEYRING, useFactory: () => parts.keys.apps },
        { provide: tokens.KEY_STORE, useFactory: () => parts.keys },
        { provide: tokens.AUDIT, useFactory: () => parts.audit },
        { provide: tokens.PERSONS, useFactory: () => parts.persons },
        { provide: tokens.CHECKPOINTS, useFactory: () => parts.checkpoints },
        { provide: tokens.SOURCES, useFactory: () => parts.sources },
        { provide: tokens.READ_MODELS, useFactory: () => parts.readModels },
        { provide: tokens.TELEMETRY, useFactory: () => parts.telemetry },
        { provide: APP_GUARD, useFactory: () => new RouteGuard(parts.door) },
        { provide: APP_INTERCEPTOR, useFactory: () => new AnswerInterceptor(parts.audit) },
        {
          provide: APP_FILTER,
          useFactory: () => new ProblemFilter(parts.context.logger, parts.audit),
        },
        ...COMMAND_HANDLERS,
        ...QUERY_HANDLERS,
      ],
    };
  }
}
