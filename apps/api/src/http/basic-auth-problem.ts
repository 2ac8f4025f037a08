import type { Rejection } from '@shiplog/domain';
import { list } from './list-words.js';

type BasicAuthRejection = Extract<
  Rejection,
  { code: `basic-auth-${string}` } | { code: 'too-many-basic-auth-users' }
>;

export const isAboutBasicAuth = (rejection: Rejection): rejection is BasicAuthRejection =>
  rejection.code === 'too-many-basic-auth-users' || rejection.code.startsWith('basic-auth-');

/** What was refused about who may send requests: what was wrong and what would be right. */
export const basicAuthDetailOf = (rejection: BasicAuthRejection): string => {
  switch (rejection.code) {
    case 'basic-auth-user-not-found':
      return `The app has no basic auth user "${rejection.user}". Its users: ${list(rejection.known)}.`;
    case 'too-many-basic-auth-users':
      return `An app has at most ${rejection.limit} basic auth users.`;
    case 'basic-auth-would-end':
      return 'Without its last user everyone reaches the app, without a password. If that is wanted, say so: `shiplog basic-auth unset NAME --open`.';
  }
};
