import { KEEP_FORMS, SCHEDULE_FORMS, type Rejection } from '@shiplog/domain';
import { basicAuthDetailOf, isAboutBasicAuth } from './basic-auth-problem.js';
import { gateDetailOf } from './gate-problem.js';
import { isAboutPorts, portDetailOf, type PortRejection } from './port-problem.js';
import { Problem } from './problem.js';
import { list } from './list-words.js';
import { isAboutVolumes, volumeDetailOf, type VolumeRejection } from './volume-problem.js';

/** What an aggregate refused, in words: what was wrong and what would be right. */
export const problemOf = (rejection: Rejection): Problem => {
  const { code, ...members } = withNames(rejection);
  return new Problem(code, detailOf(rejection), {
    members: 'status' in members ? stateOf(members) : members,
  });
};

/** People stand in problems by their name. */
const withNames = (rejection: Rejection): Rejection | (Omit<Rejection, 'by'> & { by: string }) =>
  rejection.code === 'app-locked' || rejection.code === 'lock-held'
    ? { ...rejection, by: rejection.by.name }
    : rejection;

/** `status` of a problem document is the one of HTTP; the API calls that of a build or a deploy its state. */
const stateOf = ({ status: state, ...members }: { readonly status: string }) => ({
  ...members,
  state,
});

const detailOf = (rejection: Rejection): string => {
  if (isAboutVolumes(rejection)) return volumeDetailOf(rejection);
  return isAboutPorts(rejection) ? portDetailOf(rejection) : otherDetailOf(rejection);
};

const otherDetailOf = (rejection: Exclude<Rejection, VolumeRejection | PortRejection>): string => {
  switch (rejection.code) {
    case 'app-not-found':
      return 'There is no such app. `shiplog apps list` shows the ones you can see.';
    case 'app-destroyed':
      return `The app ${rejection.name} was destroyed. Create a new one with \`shiplog apps create\`.`;
    case 'app-already-exists':
    case 'name-taken':
      return `The name "${rejection.name}" is taken. Choose another one.`;
    case 'build-not-found':
      return `The app has no build ${rejection.buildId}. \`shiplog builds list\` shows its builds.`;
    case 'release-not-found':
      return `Release v${rejection.version} is not kept. Kept releases: ${list(rejection.kept.map((v) => `v${v}`))}.`;
    case 'release-already-live':
      return `Release v${rejection.version} is the live one already.`;
    case 'nothing-deployed':
      return 'The app has no release yet. Deploy first: `git push shiplog main` or `shiplog deploy`.';
    case 'process-type-unknown':
      return `The app has no process type "${rejection.processType}". Its process types: ${list(rejection.known)}. They come from the Procfile of the source.`;
    case 'instance-count-above-limit':
      return `${rejection.requested} instances of ${rejection.processType} are above the limit of ${rejection.limit}.`;
    case 'process-runs-once':
      return `No two instances of ${rejection.processType} may run at the same time (setting stop-first), and ${rejection.requested} are wanted. Scale it to 1, or take it out of stop-first.`;
    case 'reservation-above-limit':
      return reservationText(rejection);
    case 'canary-without-requests':
      return `canary-steps=${rejection.steps} begins without a share, and no request matches. Set canary-match as well, or begin with a share.`;
    case 'config-key-not-set':
      return `The config key ${rejection.key} is not set. \`shiplog config list\` shows the ones that are.`;
    case 'config-too-large':
      return `The config would take ${rejection.bytes} bytes as stored; the limit is ${rejection.limit}. Put large data into files or a store of its own.`;
    case 'check-invalid':
      return `${rejection.process}.${rejection.probe}: ${rejection.wrong}. It would be right to: ${rejection.right}.`;
    case 'too-many-checks':
      return `An app has health checks for at most ${rejection.limit} process types.`;
    case 'domain-not-on-app':
      return `The app does not have the domain ${rejection.host}. \`shiplog domains list\` shows its domains.`;
    case 'domain-taken':
      return `The domain ${rejection.host} belongs to another app. Remove it there first.`;
    case 'certificate-not-found':
      return `There is no certificate of ${rejection.domain}. \`shiplog certs list\` shows the ones there are.`;
    case 'certificate-order-open':
      return `A certificate of ${rejection.domain} is being ordered; the order ends at ${rejection.until} at the latest.`;
    case 'too-many-domains':
      return `An app has at most ${rejection.limit} domains.`;
    case 'cron-job-not-found':
      return `The app has no cron job "${rejection.job}". Its cron jobs: ${list(rejection.known)}.`;
    case 'too-many-cron-jobs':
      return `An app has at most ${rejection.limit} cron jobs.`;
    case 'run-not-open':
      return 'The run is over. `shiplog runs list` shows how it ended.';
    case 'confirmation-mismatch':
      return confirmationText(rejection);
    case 'user-already-exists':
      return 'There is a user of this id already.';
    case 'user-not-found':
      return 'There is no such user.';
    case 'team-not-found':
      return 'There is no such team.';
    case 'team-already-exists':
      return 'There is a team of this id already.';
    case 'token-not-found':
      return 'There is no such token. `shiplog tokens list` shows yours.';
    case 'token-already-exists':
      return 'There is a token of this id already.';
    case 'build-not-running':
      return `The build is not running; its state is "${rejection.status}".`;
    case 'rollout-not-running':
      return `The deploy is not running; its state is "${rejection.status}".`;
    case 'instance-not-in-state':
      return `The instance is in state "${rejection.status}", in which this cannot be done.`;
    case 'key-rotation-running':
      return `Master key ${rejection.keyId} is taking the place of the last one just now. \`shiplog keys list\` shows when it is done.`;
    case 'router-not-active':
      return 'The router is not active.';
    case 'backup-running':
      return `Backup ${rejection.backupId} is being made.`;
    case 'backup-not-running':
      return 'The backup is over.';
    case 'backup-schedule-invalid':
      return `A schedule is ${SCHEDULE_FORMS}.`;
    case 'backup-keep-invalid':
      return `What is kept is said by ${KEEP_FORMS}.`;
    case 'backup-target-missing':
      return 'Say where backups go: a folder, or an s3:// address.';
    default:
      return isAboutBasicAuth(rejection) ? basicAuthDetailOf(rejection) : gateDetailOf(rejection);
  }
};

const confirmationText = (
  rejection: Extract<Rejection, { code: 'confirmation-mismatch' }>,
): string =>
  rejection.what === 'volume'
    ? `What is in the volume is gone for good after this: it needs the name of the volume as confirmation: confirm=${rejection.expected}.`
    : `Destroying needs the name of the app as confirmation: confirm=${rejection.expected}.`;

const reservationText = (
  rejection: Extract<Rejection, { code: 'reservation-above-limit' }>,
): string => {
  const { what, reservation, limit } = rejection;
  const [most, wanted] = [limit, reservation].map((n) =>
    what === 'memory' ? `${Math.round(n / 1024 / 1024)} MB` : `${n} CPUs`,
  );
  return `Nobody can be kept more than they may have: ${wanted} are to be reserved, and the limit is ${most}. Raise the limit, or reserve less.`;
};
