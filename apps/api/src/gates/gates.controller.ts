import { Controller, Inject } from '@nestjs/common';
import type { CommandContext } from '@shiplog/commands';
import { PLATFORM_FREEZES } from '@shiplog/domain';
import type { FreezeWindow } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import type { z } from 'zod';
import type { Changes } from '../changes/changes.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Problem } from '../http/problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CHANGES, CONTEXT } from '../injection.js';
import { LATEST_MS, nameOf, windowOf } from './freeze-input.js';
import { freezesAsOf, momentOf, toFreeze, toLock } from './gate-view.js';
import * as routes from './gates.routes.js';

type FreezeBody = z.infer<NonNullable<typeof routes.addFreeze.body>>;

@Controller()
export class GatesController {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTEXT) private readonly api: ProcessContext,
  ) {}

  @Handles(routes.lockApp)
  async lock(
    @Admission() { app, body, context }: Admitted<typeof routes.lockApp>,
  ): Reply<typeof routes.lockApp> {
    const nowMs = Date.now();
    const why = context.reason ?? '';
    if (why === '') {
      const message = 'say why the app is locked: whoever is refused reads it (-m WHY).';
      throw new Problem('invalid-input', `headers.shiplog-reason: ${message}`, {
        errors: [{ path: 'headers.shiplog-reason', message }],
      });
    }
    const until = endOf(body.until, nowMs);
    const since = new Date(nowMs).toISOString();
    const lock = { by: context.actor, why, since, until };
    const command = { type: 'LockApp', ...lock } as const;
    const { position } = await this.changes.make('app', app.appId, command, context);
    const held = this.api.world.app(app.appId)?.lock ?? lock;
    return { body: { sequence: sequenceAt(position), lock: toLock(held) }, position };
  }

  @Handles(routes.unlockApp)
  async unlock(
    @Admission() { app, context }: Admitted<typeof routes.unlockApp>,
  ): Reply<typeof routes.unlockApp> {
    const command = { type: 'UnlockApp', at: new Date().toISOString() } as const;
    const { position, events, repeated } = await this.changes.make(
      'app',
      app.appId,
      command,
      context,
    );
    const unlocked = repeated || events.length > 0;
    return { body: { sequence: sequenceAt(position), unlocked }, position };
  }

  @Handles(routes.listFreezes)
  async list(
    @Admission() { app, at, documents }: Admitted<typeof routes.listFreezes>,
  ): Reply<typeof routes.listFreezes> {
    const atMs = await momentOf(this.api, documents, at, Date.now());
    const freezes = await freezesAsOf(this.api, documents, app.appId);
    const body = freezes.map((freeze) => toFreeze(freeze, atMs));
    return { body, position: await documents.position() };
  }

  @Handles(routes.listPlatformFreezes)
  async listOfPlatform(
    @Admission() { at, documents }: Admitted<typeof routes.listPlatformFreezes>,
  ): Reply<typeof routes.listPlatformFreezes> {
    const atMs = await momentOf(this.api, documents, at, Date.now());
    const freezes = await freezesAsOf(this.api, documents);
    const body = freezes.map((freeze) => toFreeze(freeze, atMs));
    return { body, position: await documents.position() };
  }

  @Handles(routes.addFreeze)
  add(
    @Admission() { app, params, body, context }: Admitted<typeof routes.addFreeze>,
  ): Reply<typeof routes.addFreeze> {
    return this.addTo(app.appId, params.freeze, body, context);
  }

  @Handles(routes.addPlatformFreeze)
  addToPlatform(
    @Admission() { params, body, context }: Admitted<typeof routes.addPlatformFreeze>,
  ): Reply<typeof routes.addPlatformFreeze> {
    return this.addTo(null, params.freeze, body, context);
  }

  @Handles(routes.removeFreeze)
  remove(
    @Admission() { app, params, context }: Admitted<typeof routes.removeFreeze>,
  ): Reply<typeof routes.removeFreeze> {
    return this.removeFrom(app.appId, params.freeze, context);
  }

  @Handles(routes.removePlatformFreeze)
  removeFromPlatform(
    @Admission() { params, context }: Admitted<typeof routes.removePlatformFreeze>,
  ): Reply<typeof routes.removePlatformFreeze> {
    return this.removeFrom(null, params.freeze, context);
  }

  private async addTo(
    appId: string | null,
    name: string,
    { window: given, timeZone }: FreezeBody,
    context: CommandContext,
  ): Reply<typeof routes.addFreeze> {
    const nowMs = Date.now();
    const freeze = nameOf(name);
    const window: FreezeWindow = windowOf(given, timeZone, nowMs);
    const why = context.reason ?? null;
    const command = { type: 'AddFreeze', appId, freeze, window, timeZone, why } as const;
    const id = appId ?? PLATFORM_FREEZES;
    const { position } = await this.changes.make('freeze', id, command, context);
    const ofPlatform = appId === null;
    const body = toFreeze({ freeze, ofPlatform, window, timeZone, why }, nowMs);
    return { body: { sequence: sequenceAt(position), freeze: body }, position };
  }

  private async removeFrom(
    appId: string | null,
    freeze: string,
    context: CommandContext,
  ): Reply<typeof routes.removeFreeze> {
    const command = { type: 'RemoveFreeze', appId, freeze } as const;
    const id = appId ?? PLATFORM_FREEZES;
    const { position } = await this.changes.make('freeze', id, command, context);
    return { body: { sequence: sequenceAt(position) }, position };
  }
}

const endOf = (until: string | undefined, nowMs: number): string | null => {
  if (until === undefined) return null;
  const ms = Date.parse(until);
  if (ms > nowMs && ms <= LATEST_MS) return new Date(ms).toISOString();
  const message =
    ms > nowMs
      ? `${until} is after the year 9999; leave it out for a lock without an end.`
      : `${until} is over; a lock ends in the future.`;
  throw new Problem('invalid-body', `body.until: ${message}`, {
    errors: [{ path: 'body.until', message }],
  });
};
