import { z } from 'zod';
import { defineEvent } from './event.js';
import { id } from './ids.js';
import { actor } from './who.js';

export const MAINTENANCE_PAGE_BYTES_MAX = 8 * 1024;
export const MAINTENANCE_ALLOW_MAX = 32;

/** One address, or a range such as 10.0.0.0/8. */
export const addressRange = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'an IP address such as 203.0.113.7, or a range such as 10.0.0.0/8',
});

export const maintenance = z.strictObject({
  by: actor,
  why: z.string().min(1).max(500).nullable(),
  since: z.iso.datetime(),
  /** HTML for browsers, without control characters; null: the page of the platform. */
  page: z
    .string()
    .min(1)
    .max(MAINTENANCE_PAGE_BYTES_MAX)
    .regex(/^[^\u0000-\u001f\u007f]+$/)
    .nullable(),
  /** Who reaches the app all the same. */
  allow: z.array(addressRange).max(MAINTENANCE_ALLOW_MAX),
});
export type Maintenance = z.infer<typeof maintenance>;

/** Of an app: its clients get a page instead of it. Null: they reach it again. */
export const maintenanceEvent = defineEvent('MaintenanceChanged', 1, {
  appId: id,
  maintenance: maintenance.nullable(),
});
