import { clientEntries } from './client-entries.js';
import { command, group, hidden, type Entry } from './entry.js';
import { PLATFORM_CATALOGUE } from './platform-catalogue.js';

const APPS = 'Apps';
const DEPLOYS = 'Deploying';
const RUNNING = 'Running';
const SETUP = 'Configuration';

/** Every command. `--help` reads this table and nothing else, so that it is there at once. */
export const CATALOGUE: readonly Entry[] = [
  group(
    APPS,
    'apps',
    'create, list, show and destroy apps',
    async () => (await import('./commands/apps.js')).apps,
  ),
  command(
    APPS,
    'open',
    'open an app in the browser',
    async () => (await import('./commands/open.js')).open,
  ),
  command(
    APPS,
    'restart',
    'replace all instances of an app by new ones',
    async () => (await import('./commands/power.js')).restart,
  ),
  command(
    APPS,
    'stop',
    'stop all instances of an app',
    async () => (await import('./commands/power.js')).stop,
  ),
  command(
    APPS,
    'start',
    'start a stopped app',
    async () => (await import('./commands/power.js')).start,
  ),
  ...clientEntries(APPS),

  command(
    DEPLOYS,
    'deploy',
    'deploy a directory or an image',
    async () => (await import('./commands/deploy.js')).deploy,
  ),
  group(
    DEPLOYS,
    'builds',
    'list builds, show their output, cancel them',
    async () => (await import('./commands/builds.js')).builds,
  ),
  group(
    DEPLOYS,
    'deploys',
    'list deploys, explain them, promote or cancel them',
    async () => (await import('./commands/deploys.js')).deploys,
  ),
  group(
    DEPLOYS,
    'releases',
    'list and show releases, promote them to other apps',
    async () => (await import('./commands/releases.js')).releases,
  ),
  command(
    DEPLOYS,
    'rollback',
    'go back to an earlier release',
    async () => (await import('./commands/rollback.js')).rollback,
  ),
  command(
    DEPLOYS,
    'lock',
    'let nothing make or move releases of an app',
    async () => (await import('./commands/lock.js')).lock,
  ),
  command(
    DEPLOYS,
    'unlock',
    'let releases of an app be made again',
    async () => (await import('./commands/lock.js')).unlock,
  ),
  group(
    DEPLOYS,
    'freeze',
    'times in which nothing makes releases',
    async () => (await import('./commands/freeze.js')).freeze,
  ),
  group(
    DEPLOYS,
    'git',
    'set up this repository for git push',
    async () => (await import('./commands/git.js')).gitCommands,
  ),
  command(
    DEPLOYS,
    'git-url',
    'print a URL for git push that works as it is',
    async () => (await import('./commands/git-url.js')).gitUrl,
  ),

  command(
    RUNNING,
    'ps',
    'show instances with CPU and memory',
    async () => (await import('./commands/ps.js')).ps,
  ),
  command(
    RUNNING,
    'scale',
    'set the number of instances',
    async () => (await import('./commands/scale.js')).scale,
  ),
  group(
    RUNNING,
    'runs',
    'list one-off commands with their results, end them',
    async () => (await import('./commands/runs.js')).runs,
  ),
  group(
    RUNNING,
    'cron',
    'commands that are run at certain times',
    async () => (await import('./commands/cron.js')).cron,
  ),
  group(
    RUNNING,
    'volumes',
    'directories that outlive instances and releases',
    async () => (await import('./commands/volumes.js')).volumes,
  ),
  command(
    RUNNING,
    'resize',
    'change memory, CPU and other limits of one process type while it runs',
    async () => (await import('./commands/resize.js')).resize,
  ),
  command(
    RUNNING,
    'limits',
    'show the limits of each process type',
    async () => (await import('./commands/limits.js')).limits,
  ),
  command(
    RUNNING,
    'logs',
    'show what an app writes',
    async () => (await import('./commands/logs.js')).logs,
  ),
  command(
    RUNNING,
    'run',
    'run a command in a new instance',
    async () => (await import('./commands/run.js')).run,
  ),
  command(
    RUNNING,
    'exec',
    'run a command in a running instance',
    async () => (await import('./commands/exec.js')).exec,
  ),

  group(
    SETUP,
    'config',
    'read and change environment variables',
    async () => (await import('./commands/config.js')).config,
  ),
  group(
    SETUP,
    'settings',
    'read and change limits, port and health check',
    async () => (await import('./commands/settings.js')).settings,
  ),
  group(
    SETUP,
    'domains',
    'read and change custom domains',
    async () => (await import('./commands/domains.js')).domains,
  ),
  group(
    SETUP,
    'ports',
    'read and change TCP ports of the router',
    async () => (await import('./commands/ports.js')).ports,
  ),
  group(
    SETUP,
    'certs',
    'certificates, and how apps deal with https',
    async () => (await import('./commands/certs.js')).certs,
  ),
  group(
    SETUP,
    'traffic-policy',
    'limits, sticky sessions, networks and headers of an app at the router',
    async () => (await import('./commands/traffic-policy.js')).trafficPolicy,
  ),

  ...PLATFORM_CATALOGUE,

  hidden(
    'git-credential',
    async () => (await import('./commands/git-credential.js')).gitCredential,
  ),
  hidden('__complete', async () =>
    (await import('./commands/complete.js')).completeFrom(CATALOGUE),
  ),
];
