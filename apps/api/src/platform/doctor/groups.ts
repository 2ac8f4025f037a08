/** What belongs together on the screen, in the order in which it is shown. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  log: [
    'log',
    'durability',
    'log access',
    'log stream',
    'gaps',
    'checkpoints',
    'read models',
    'backup',
  ],
  machine: ['data disk', 'engine disk', 'private files', 'clock'],
  processes: ['builder', 'deployer', 'router-sync', 'gc', 'monitor-agent', 'backup process'],
  apps: ['certificates', 'routing', 'instances', 'volumes', 'images', 'deploys'],
};

/** `platform` for what is in none. */
export const groupOf = (name: string): string =>
  Object.entries(GROUPS).find(([, names]) => names.includes(name))?.[0] ?? 'platform';
