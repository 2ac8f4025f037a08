import { command, group, LOCAL, type Entry } from './entry.js';

const PLATFORM = 'Platform';

/** Commands about the platform as a whole, and about this machine. */
export const PLATFORM_CATALOGUE: readonly Entry[] = [
  command(
    PLATFORM,
    'events',
    'show what happened, from the log',
    async () => (await import('./commands/events.js')).events,
  ),
  group(
    PLATFORM,
    'keys',
    'list the keys of apps, replace the master key',
    async () => (await import('./commands/keys.js')).keys,
  ),
  command(
    PLATFORM,
    'why',
    'show why something is there, from person to route',
    async () => (await import('./commands/why.js')).why,
  ),
  group(
    PLATFORM,
    'audit',
    'show who did what, what was refused, who read secrets',
    async () => (await import('./commands/audit.js')).audit,
  ),
  group(
    PLATFORM,
    'log',
    'export the log as it is stored',
    async () => (await import('./commands/log.js')).log,
  ),
  group(
    PLATFORM,
    'nodes',
    'list machines',
    async () => (await import('./commands/nodes.js')).nodes,
  ),
  group(
    PLATFORM,
    'gc',
    'collect garbage on the machines',
    async () => (await import('./commands/gc.js')).gc,
  ),
  group(
    PLATFORM,
    'replay',
    'show what changed between two moments, check an upgrade',
    async () => (await import('./commands/replay.js')).replay,
  ),
  command(
    PLATFORM,
    'undo',
    'take one change back',
    async () => (await import('./commands/undo.js')).undo,
  ),
  group(
    PLATFORM,
    'backup',
    'make, list, verify and restore backups',
    async () => (await import('./commands/backup.js')).backup,
  ),
  command(
    PLATFORM,
    'rebuild',
    'rebuild read models from the log',
    async () => (await import('./commands/rebuild.js')).rebuild,
  ),
  command(
    PLATFORM,
    'doctor',
    'find out what is wrong',
    async () => (await import('./commands/doctor.js')).doctor,
  ),
  command(
    PLATFORM,
    'down',
    'stop the control plane of this machine',
    async () => (await import('./commands/down.js')).down,
  ),

  command(
    LOCAL,
    'login',
    'log in to a Shiplog',
    async () => (await import('./commands/login.js')).login,
  ),
  command(
    LOCAL,
    'whoami',
    'show who is logged in, and where',
    async () => (await import('./commands/whoami.js')).whoami,
  ),
  group(
    LOCAL,
    'context',
    'list the places you are logged in to, pick one',
    async () => (await import('./commands/context.js')).context,
  ),
  group(
    LOCAL,
    'tokens',
    'create, list and revoke access tokens',
    async () => (await import('./commands/tokens.js')).tokens,
  ),
  command(
    LOCAL,
    'completion',
    'print a completion script for your shell',
    async () => (await import('./commands/completion.js')).completion,
  ),
  command(
    LOCAL,
    'version',
    'show the version of program and server',
    async () => (await import('./commands/version.js')).version,
  ),
];
