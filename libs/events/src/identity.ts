import { z } from 'zod';
import { defineEvent } from './event.js';
import { domainName } from './domains.js';
import { appName, id } from './ids.js';
import { volumeName } from './volume.js';

export const teamEvent = z.discriminatedUnion('type', [
  defineEvent('TeamCreated', 1, { teamId: id, name: z.string().min(1).max(64) }),
  defineEvent('TeamMemberAdded', 1, { teamId: id, userId: id }),
  /** A volume that its destroyed app left behind: its data is to be deleted. */
  defineEvent('KeptVolumeRemoved', 1, { teamId: id, appId: id, volumeId: id, name: volumeName }),
]);
export type TeamEvent = z.infer<typeof teamEvent>;

export const userEvent = z.discriminatedUnion('type', [
  defineEvent('UserCreated', 1, {
    userId: id,
    name: z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/),
    administrator: z.boolean(),
  }),
  /** What was recorded of where this person called from is to be unreadable from here on: its key goes. */
  defineEvent('PersonErased', 1, { userId: id }),
]);
export type UserEvent = z.infer<typeof userEvent>;

/** What a token may do: everything its user may, or push to one app and nothing else. */
export const tokenScope = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('user') }),
  z.strictObject({ kind: z.literal('push'), appId: id }),
]);
export type TokenScope = z.infer<typeof tokenScope>;

export const tokenEvent = z.discriminatedUnion('type', [
  defineEvent('TokenCreated', 1, {
    tokenId: id,
    userId: id,
    name: z.string().min(1).max(64),
    /** SHA-256 of the token in hexadecimal; 32 random bytes need no slow hash. */
    hash: z.string().regex(/^[0-9a-f]{64}$/),
    scope: tokenScope,
    expiresAt: z.iso.datetime().nullable(),
  }),
  defineEvent('TokenRevoked', 1, { tokenId: id }),
]);
export type TokenEvent = z.infer<typeof tokenEvent>;

/** One stream per app name: whoever appends to it while it is free owns the name. */
export const nameEvent = z.discriminatedUnion('type', [
  defineEvent('NameReserved', 1, { name: appName, appId: id, teamId: id }),
  defineEvent('NameReleased', 1, { name: appName, appId: id }),
]);
export type NameEvent = z.infer<typeof nameEvent>;

/** One stream per custom domain, its id the SHA-256 of the domain. */
export const domainEvent = z.discriminatedUnion('type', [
  defineEvent('DomainReserved', 2, { host: domainName, appId: id, teamId: id }),
  /** Its team has to prove that it is theirs, by a DNS record. */
  defineEvent('DomainProofDemanded', 1, {
    host: domainName,
    appId: id,
    since: z.iso.datetime(),
    /** Not proven until then, it is given up. */
    until: z.iso.datetime(),
  }),
  defineEvent('DomainLookedUp', 1, {
    host: domainName,
    appId: id,
    outcome: z.enum(['verified', 'failed']),
    /** What was found instead; null where the record was found. */
    reason: z.string().max(300).nullable(),
    at: z.iso.datetime(),
  }),
  defineEvent('DomainReleased', 2, { host: domainName, appId: id }),
]);
export type DomainEvent = z.infer<typeof domainEvent>;
