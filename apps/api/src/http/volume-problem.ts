import type { Rejection } from '@shiplog/domain';
import { list } from './list-words.js';

export type VolumeRejection = Extract<
  Rejection,
  { code: `volume-${string}` } | { code: 'too-many-volumes' }
>;

export const isAboutVolumes = (rejection: Rejection): rejection is VolumeRejection =>
  rejection.code === 'too-many-volumes' || rejection.code.startsWith('volume-');

/** What was refused about volumes: what was wrong and what would be right. */
export const volumeDetailOf = (rejection: VolumeRejection): string => {
  switch (rejection.code) {
    case 'volume-not-found':
      return `The app has no volume "${rejection.name}". Its volumes: ${list(rejection.known)}.`;
    case 'volume-name-taken':
      return `The app has a volume "${rejection.name}" already. Choose another name, or change that one: \`shiplog volumes mount\`, \`shiplog volumes resize\`.`;
    case 'volume-path-taken':
      return `${rejection.path} and ${rejection.by} would be one within the other. Choose a path beside it.`;
    case 'too-many-volumes':
      return `An app has at most ${rejection.limit} volumes.`;
    case 'volume-exclusive': {
      const { name, processType, requested } = rejection;
      return `At most one instance at a time may have the exclusive volume ${name}, and ${requested} of ${processType} are wanted. Scale ${processType} to 1; or, if the program bears several writers, share the volume (\`--shared\`).`;
    }
    case 'volume-exclusive-to-one':
      return `At most one instance at a time may have the exclusive volume ${rejection.name}, and it would be for ${list(rejection.processes)}. Name one process type, or share it (\`--shared\`).`;
    case 'volume-in-use':
      return `The volume ${rejection.name} is in use by ${list(rejection.by.slice(0, 10))}. Stop the app or scale those process types to 0, wait until their instances have stopped, and try again.`;
    case 'volume-not-missing':
      return `The volume ${rejection.name} was not lost, and its data is not thrown away. \`shiplog volumes list\` shows the state of each.`;
  }
};
