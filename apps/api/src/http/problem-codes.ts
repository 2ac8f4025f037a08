import type { Rejection } from '@shiplog/domain';

/** What the api itself refuses, before or beside the rules of an aggregate. */
export type ApiCode =
  | 'unauthenticated'
  | 'token-scope'
  | 'not-administrator'
  | 'route-not-found'
  | 'method-not-allowed'
  | 'deploy-not-found'
  | 'instance-not-found'
  | 'subject-not-found'
  | 'instance-not-running'
  | 'image-missing'
  | 'no-such-executable'
  | 'not-executable'
  | 'engine-unreachable'
  | 'node-not-found'
  | 'no-team'
  | 'invalid-input'
  | 'invalid-body'
  | 'body-not-json'
  | 'body-too-large'
  | 'unsupported-media-type'
  | 'headers-too-large'
  | 'request-timeout'
  | 'bad-request'
  | 'source-not-found'
  | 'source-invalid'
  | 'nothing-to-roll-back-to'
  | 'same-app'
  | 'domain-of-platform'
  | 'router-cannot'
  | 'port-not-allowed'
  | 'redirect-loop'
  | 'domain-not-yours'
  | 'https-required'
  | 'certificate-invalid'
  | 'key-missing'
  | 'key-store-unusable'
  | 'backup-not-found'
  | 'backup-target-invalid'
  | 'backup-target-unavailable'
  | 'revision-conflict'
  | 'idempotency-key-reused'
  | 'moment-unknown'
  | 'change-not-found'
  | 'run-not-found'
  | 'undo-impossible'
  | 'undo-overtaken'
  | 'log-unavailable'
  | 'too-many-changes'
  | 'too-many-looks'
  | 'outcome-unknown'
  | 'not-caught-up'
  | 'read-model-parked'
  | 'projection-failed'
  | 'rebuild-running'
  | 'rebuild-differs'
  | 'rebuild-cancelled'
  | 'no-rebuild'
  | 'worker-unreachable'
  | 'worker-failed'
  | 'storage-full'
  | 'internal';

/** Every word that can stand in `code` of a problem document. */
export type ProblemCode = ApiCode | Rejection['code'];

interface Kind {
  readonly status: number;
  readonly title: string;
}

/**
 * One status for each code, chosen by what the caller will do next: correct the request (400, 413, 422),
 * look elsewhere (404), find out who was faster (409, 412), try again (503). The compiler finds a
 * missing row.
 */
export const PROBLEMS: Readonly<Record<ProblemCode, Kind>> = {
  unauthenticated: { status: 401, title: 'Not signed in' },
  'token-scope': { status: 403, title: 'The token may not do this' },
  'not-administrator': { status: 403, title: 'Administrators only' },
  'no-team': { status: 403, title: 'Member of no team' },

  'route-not-found': { status: 404, title: 'No such address' },
  'app-not-found': { status: 404, title: 'No such app' },
  'app-destroyed': { status: 404, title: 'The app was destroyed' },
  'build-not-found': { status: 404, title: 'No such build' },
  'deploy-not-found': { status: 404, title: 'No such deploy' },
  'release-not-found': { status: 404, title: 'No such release' },
  'instance-not-found': { status: 404, title: 'No such instance' },
  'subject-not-found': { status: 404, title: 'Nothing of that name' },
  'backup-not-found': { status: 404, title: 'No such backup' },
  'node-not-found': { status: 404, title: 'No such node' },
  'token-not-found': { status: 404, title: 'No such token' },
  'user-not-found': { status: 404, title: 'No such user' },
  'team-not-found': { status: 404, title: 'No such team' },
  'basic-auth-user-not-found': { status: 404, title: 'No such basic auth user' },
  'basic-auth-would-end': { status: 409, title: 'The app would be open to everyone' },
  'too-many-basic-auth-users': { status: 422, title: 'Too many basic auth users' },
  'config-key-not-set': { status: 404, title: 'Config key is not set' },
  'domain-not-on-app': { status: 404, title: 'The app does not have this domain' },
  'port-not-on-app': { status: 404, title: 'The app does not have this port' },
  'volume-not-found': { status: 404, title: 'No such volume' },
  'certificate-not-found': { status: 404, title: 'No such certificate' },
  'cron-job-not-found': { status: 404, title: 'No such cron job' },
  'freeze-not-found': { status: 404, title: 'No such freeze window' },
  'run-not-found': { status: 404, title: 'No such run' },
  'change-not-found': { status: 404, title: 'No such change' },
  'no-rebuild': { status: 404, title: 'No rebuild is under way' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },

  'bad-request': { status: 400, title: 'Malformed request' },
  'invalid-input': { status: 400, title: 'Invalid parameter' },
  'body-not-json': { status: 400, title: 'The body is not JSON' },
  'invalid-body': { status: 422, title: 'Invalid body' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'Unsupported media type' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },

  'source-not-found': { status: 422, title: 'The source is not stored here' },
  'source-invalid': { status: 422, title: 'Not a tar archive' },
  'process-type-unknown': { status: 422, title: 'Unknown process type' },
  'instance-count-above-limit': { status: 422, title: 'Too many instances' },
  'process-runs-once': { status: 422, title: 'At most one instance may run' },
  'canary-without-requests': { status: 422, title: 'The canary would get no requests' },
  'reservation-above-limit': { status: 422, title: 'More is reserved than allowed' },
  'config-too-large': { status: 422, title: 'Config is too large' },
  'too-many-volumes': { status: 422, title: 'Too many volumes' },
  'volume-exclusive': { status: 422, title: 'A volume is exclusive' },
  'volume-exclusive-to-one': { status: 422, title: 'An exclusive volume is of one process type' },
  'volume-path-taken': { status: 422, title: 'The path is taken' },
  'volume-not-missing': { status: 422, title: 'The volume is not lost' },
  'too-many-cron-jobs': { status: 422, title: 'Too many cron jobs' },
  'too-many-domains': { status: 422, title: 'Too many domains' },
  'check-invalid': { status: 422, title: 'The health check cannot be asked' },
  'too-many-checks': { status: 422, title: 'Too many health checks' },
  'https-required': { status: 403, title: 'Over https only' },
  'domain-not-yours': { status: 403, title: 'The domain is not yours' },
  'certificate-invalid': { status: 422, title: 'The certificate cannot be served' },
  'redirect-loop': { status: 422, title: 'The redirect would lead back to itself' },
  'domain-of-platform': { status: 422, title: 'The host belongs to the platform' },
  'port-not-allowed': { status: 422, title: 'Apps cannot have this port' },
  'container-port-missing': { status: 422, title: 'Nobody said where the process listens' },
  'policy-beside-port': {
    status: 409,
    title: 'The traffic policy does not count for ports',
  },
  'port-taken': { status: 409, title: 'The port belongs to another app' },
  'port-in-use': { status: 409, title: 'The port leads elsewhere in this app' },
  'too-many-ports': { status: 409, title: 'Too many ports' },
  'router-cannot': { status: 422, title: 'The proxy of this platform cannot do it' },
  'confirmation-mismatch': { status: 422, title: 'Confirmation does not match' },
  'idempotency-key-reused': { status: 422, title: 'Idempotency key used before' },
  'moment-unknown': { status: 422, title: 'No such moment in the log' },

  'app-locked': { status: 423, title: 'The app is locked' },
  'releases-frozen': { status: 423, title: 'Releases are frozen' },
  'lock-held': { status: 409, title: 'Somebody else has locked the app' },
  'freeze-exists': { status: 409, title: 'The freeze window exists already' },
  'too-many-freezes': { status: 422, title: 'Too many freeze windows' },

  'name-taken': { status: 409, title: 'The name is taken' },
  'volume-name-taken': { status: 409, title: 'The app has a volume of this name' },
  'volume-in-use': { status: 409, title: 'The volume is in use' },
  'certificate-order-open': { status: 409, title: 'The certificate is being ordered' },
  'domain-taken': { status: 409, title: 'The domain is taken' },
  'app-already-exists': { status: 409, title: 'The app exists already' },
  'user-already-exists': { status: 409, title: 'The user exists already' },
  'team-already-exists': { status: 409, title: 'The team exists already' },
  'token-already-exists': { status: 409, title: 'The token exists already' },
  'rebuild-running': { status: 409, title: 'Another rebuild is under way' },
  'rebuild-cancelled': { status: 409, title: 'The rebuild was cancelled' },
  'rebuild-differs': { status: 422, title: 'The rebuilt documents are not the served ones' },
  'nothing-deployed': { status: 422, title: 'Nothing was deployed yet' },
  'nothing-to-roll-back-to': { status: 422, title: 'Nothing to roll back to' },
  'same-app': { status: 422, title: 'The app is the same' },
  'release-already-live': { status: 422, title: 'The release is live already' },
  'build-not-running': { status: 422, title: 'The build is not running' },
  'rollout-not-running': { status: 422, title: 'The deploy is not running' },
  'instance-not-in-state': { status: 422, title: 'The instance is in another state' },
  'run-not-open': { status: 422, title: 'The run is over' },
  'instance-not-running': { status: 422, title: 'The instance does not run' },
  'image-missing': { status: 422, title: 'The image is not on the machine' },
  'no-such-executable': { status: 422, title: 'No such command' },
  'not-executable': { status: 422, title: 'The command cannot be executed' },
  'router-not-active': { status: 422, title: 'The router is not active' },
  'key-missing': { status: 422, title: 'The key of the app is gone' },
  'backup-running': { status: 409, title: 'A backup is being made' },
  'backup-not-running': { status: 422, title: 'The backup is over' },
  'backup-schedule-invalid': { status: 422, title: 'Invalid schedule' },
  'backup-keep-invalid': { status: 422, title: 'Invalid rule of what is kept' },
  'backup-target-missing': { status: 422, title: 'No place for backups is known' },
  'backup-target-invalid': { status: 422, title: 'No place for backups' },
  'backup-target-unavailable': { status: 502, title: 'The place for backups does not answer' },
  'key-rotation-running': { status: 409, title: 'The master key is being replaced' },
  'undo-impossible': { status: 422, title: 'The change cannot be taken back' },
  'undo-overtaken': { status: 409, title: 'The change was changed again since' },
  'revision-conflict': { status: 412, title: 'The app changed meanwhile' },

  'projection-failed': { status: 500, title: 'A read model cannot be made from the log' },
  'worker-failed': { status: 502, title: 'A worker could not do it' },
  'log-unavailable': { status: 503, title: 'The log cannot be written' },
  'too-many-changes': { status: 503, title: 'Too many changes at once' },
  'too-many-looks': { status: 503, title: 'Too many looks into the past at once' },
  'outcome-unknown': { status: 503, title: 'The outcome is unknown' },
  'not-caught-up': { status: 503, title: 'Not caught up yet' },
  'read-model-parked': { status: 503, title: 'A read model stands still' },
  'engine-unreachable': { status: 503, title: 'The container engine does not answer' },
  'worker-unreachable': { status: 503, title: 'A worker does not answer' },
  'key-store-unusable': { status: 503, title: 'The key store cannot be used' },
  'storage-full': { status: 507, title: 'The disk is full' },
  internal: { status: 500, title: 'Internal error' },
};
