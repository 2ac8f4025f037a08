import { command, group, type Entry } from './entry.js';

/** Commands about what clients of an app see; `catalogue.ts` lists them with the others of apps. */
export const clientEntries = (section: string): readonly Entry[] => [
  group(
    section,
    'maintenance',
    'show a page instead of an app',
    async () => (await import('./commands/maintenance.js')).maintenance,
  ),
  group(
    section,
    'basic-auth',
    'names and passwords without which nobody reaches an app',
    async () => (await import('./commands/basic-auth.js')).basicAuth,
  ),
  command(
    section,
    'traffic',
    'show what clients of an app felt in the last minute',
    async () => (await import('./commands/traffic.js')).traffic,
  ),
];
