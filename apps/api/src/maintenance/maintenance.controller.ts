import { isIP } from 'node:net';
import { Controller, Inject } from '@nestjs/common';
import { MAINTENANCE_PAGE_BYTES_MAX, type Maintenance } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import type { z } from 'zod';
import { appDocument } from '../apps/apps.queries.js';
import type { Changes } from '../changes/changes.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Problem } from '../http/problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CHANGES, CONTEXT } from '../injection.js';
import * as routes from './maintenance.routes.js';
import { onOneLine } from './one-line.js';

@Controller()
export class MaintenanceController {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTEXT) private readonly api: ProcessContext,
  ) {}

  @Handles(routes.showMaintenance)
  async show(
    @Admission() { app, documents }: Admitted<typeof routes.showMaintenance>,
  ): Reply<typeof routes.showMaintenance> {
    const { maintenance } = await appDocument(documents, app.appId);
    return { body: statusOf(maintenance ?? undefined), position: await documents.position() };
  }

  @Handles(routes.beginMaintenance)
  async begin(
    @Admission() { app, body, context }: Admitted<typeof routes.beginMaintenance>,
  ): Reply<typeof routes.beginMaintenance> {
    const maintenance: Maintenance = {
      by: context.actor,
      why: context.reason ?? null,
      since: new Date().toISOString(),
      page: pageOf(body.page),
      allow: [...new Set(body.allow.map(checkedRange))].toSorted(),
    };
    const command = { type: 'BeginMaintenance', ...maintenance } as const;
    const { position } = await this.changes.make('app', app.appId, command, context);
    const now = this.api.world.app(app.appId)?.maintenance ?? maintenance;
    return { body: { sequence: sequenceAt(position), ...statusOf(now) }, position };
  }

  @Handles(routes.endMaintenance)
  async end(
    @Admission() { app, context }: Admitted<typeof routes.endMaintenance>,
  ): Reply<typeof routes.endMaintenance> {
    const command = { type: 'EndMaintenance' } as const;
    const { position } = await this.changes.make('app', app.appId, command, context);
    return { body: { sequence: sequenceAt(position), ...statusOf(undefined) }, position };
  }
}

const statusOf = (
  maintenance: Maintenance | undefined,
): z.infer<typeof routes.maintenanceStatus> => ({
  on: maintenance !== undefined,
  since: maintenance?.since ?? null,
  by: maintenance?.by.name ?? null,
  why: maintenance?.why ?? null,
  page: maintenance?.page ?? null,
  allow: maintenance?.allow ?? [],
});

const pageOf = (html: string | null): string | null => {
  if (html === null) return null;
  const page = onOneLine(html);
  const bytes = Buffer.byteLength(page);
  if (/\p{Cs}/u.test(page) || page.trim() === '') throw refused('page', 'it is no text.');
  if (bytes <= MAINTENANCE_PAGE_BYTES_MAX) return page;
  throw refused(
    'page',
    `it takes ${bytes} bytes on one line; at most ${MAINTENANCE_PAGE_BYTES_MAX} fit. Leave out images, or link to them at another host.`,
  );
};

/** The grammar has been checked; what Node.js itself takes for no address would be none for a router either. */
const checkedRange = (range: string): string => {
  if (isIP(range.split('/')[0] ?? '') !== 0) return range;
  throw refused('allow', `"${range}" is no address.`);
};

const refused = (field: string, message: string): Problem =>
  new Problem('invalid-body', `body.${field}: ${message}`, {
    errors: [{ path: `body.${field}`, message }],
  });
