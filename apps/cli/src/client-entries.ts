import { group, type Entry } from './entry.js';

/** Commands about what clients of an app see; `catalogue.ts` lists them with the others of apps. */
export const clientEntries = (section: string): readonly Entry[] => [
  group(
    section,
    'maintenance',
    'show a page instead of an app',
    async () => (await import('./commands/maintenance.js')).maintenance,
  ),
];
