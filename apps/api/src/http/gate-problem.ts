import type { Lock, Rejection } from '@shiplog/domain';

type OfGates = Extract<
  Rejection,
  {
    code:
      | 'app-locked'
      | 'lock-held'
      | 'releases-frozen'
      | 'freeze-exists'
      | 'freeze-not-found'
      | 'too-many-freezes';
  }
>;

/** What bars releases, and how to go ahead all the same. */
export const gateDetailOf = (rejection: OfGates): string => {
  switch (rejection.code) {
    case 'app-locked':
      return `${heldText(rejection)} Unlock it (\`shiplog unlock\`), or go ahead all the same with --override-lock -m WHY, which is in the audit. Restart, scale, stop, start and \`deploys cancel\` work while it is locked.`;
    case 'lock-held':
      return `${heldText(rejection)} Unlock it first: \`shiplog unlock\`.`;
    case 'releases-frozen': {
      const { freeze, ofPlatform, until, why, needsAdministrator } = rejection;
      const whose = ofPlatform ? 'of the whole platform ' : '';
      const how = needsAdministrator
        ? 'An administrator can go ahead all the same, with --override-freeze -m WHY.'
        : 'To go ahead all the same: --override-freeze -m WHY, which is in the audit.';
      return `Releases are frozen until ${until} by the freeze window ${whose}"${freeze}"${why === null ? '' : ` (${why})`}. ${how} Restart, scale, stop, start and \`deploys cancel\` work meanwhile.`;
    }
    case 'freeze-exists':
      return `There is a freeze window "${rejection.freeze}" already, and it is another one. Remove it first, or choose another name.`;
    case 'freeze-not-found':
      return `There is no freeze window "${rejection.freeze}" here. There are: ${rejection.known.join(', ') || 'none'}.`;
    case 'too-many-freezes':
      return `At most ${rejection.limit} freeze windows. Remove those that are over: \`shiplog freeze list\`.`;
  }
};

const heldText = ({ by, why, since, until }: Lock): string => {
  const end = until === null ? '' : `, until ${until}`;
  return `The app is locked by ${by.name} since ${since}${end}: ${why}.`;
};
