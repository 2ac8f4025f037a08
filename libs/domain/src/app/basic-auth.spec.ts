import type { AppEvent } from '@shiplog/events';
import { describe, expect, it } from 'vitest';
import { basicAuthUser, PASSWORD_HASH_PATTERN } from '@shiplog/events';
import { APP, created, given as givenOf } from '../testing/index.js';
import { BASIC_AUTH_USER_COUNT_MAX } from './change-basic-auth.js';
import { app } from './index.js';

const given = givenOf(app);
interface Change {
  readonly set?: Record<string, string>;
  readonly unset?: string[];
  readonly passesHeader?: boolean | null;
}
const changed = ({ set = {}, unset = [], passesHeader = null }: Change): AppEvent => ({
  type: 'BasicAuthChanged',
  v: 1,
  data: { appId: APP, set, unset, passesHeader },
});
const change = ({ set = {}, unset = [], passesHeader }: Change, opens = false) =>
  ({
    type: 'ChangeBasicAuth',
    set,
    unset,
    opens,
    ...(passesHeader != null && { passesHeader }),
  }) as const;

describe('who may send requests to an app', () => {
  const ann = changed({ set: { ann: 'enc1.a.b.c' } });

  it('is said by name: who comes, who has another password, who goes', () => {
    given(created)
      .when(change({ set: { ann: 'enc1.a.b.c' } }))
      .then(ann);
    given(created, ann)
      .when(change({ set: { bob: 'enc1.a.b.d' }, unset: ['ann'] }))
      .then(changed({ set: { bob: 'enc1.a.b.d' }, unset: ['ann'] }));
    given(created, ann, changed({ set: { bob: 'enc1.a.b.d' } }))
      .when(change({ unset: ['ann', 'ann'] }))
      .then(changed({ unset: ['ann'] }));
  });

  it('opens the app only where that is asked for', () => {
    given(created, ann)
      .when(change({ unset: ['ann'] }))
      .thenRejected({ code: 'basic-auth-would-end' });
    given(created, ann)
      .when(change({ unset: ['ann'] }, true))
      .then(changed({ unset: ['ann'] }));
    given(created, ann, changed({ unset: ['ann'] }))
      .when(change({ passesHeader: true }))
      .then(changed({ passesHeader: true }));
  });

  it('says nothing where nothing changes, and knows who there is', () => {
    given(created, ann)
      .when(change({ passesHeader: false }))
      .then();
    given(created, ann)
      .when(change({ unset: ['eve'] }))
      .thenRejected({ code: 'basic-auth-user-not-found', user: 'eve', known: ['ann'] });
  });

  it('has at most so many names', () => {
    const names = Array.from({ length: BASIC_AUTH_USER_COUNT_MAX }, (_, i) => `u${i}`);
    const all = changed({ set: Object.fromEntries(names.map((name) => [name, 'enc1.a.b.c'])) });
    given(created, all)
      .when(change({ set: { ann: 'enc1.a.b.c' } }))
      .thenRejected({ code: 'too-many-basic-auth-users', limit: BASIC_AUTH_USER_COUNT_MAX });
    given(created, all)
      .when(change({ set: { ann: 'enc1.a.b.c' }, unset: ['u0'] }))
      .then(changed({ set: { ann: 'enc1.a.b.c' }, unset: ['u0'] }));
  });
});

describe('the grammar of who may', () => {
  it.each(['a', 'ann', 'Ann.B_c-d@example.com', 'x'.repeat(64), '0'])(
    'takes the name %s',
    (name) => {
      expect(basicAuthUser.safeParse(name).success).toBe(true);
    },
  );
  it.each(['', 'a:b', 'a b', 'a\nb', 'a\0', '-a', 'a.', 'ä', '__proto__', 'x'.repeat(65), 'a/b'])(
    'refuses the name %j',
    (name) => expect(basicAuthUser.safeParse(name).success).toBe(false),
  );
  it('takes hashes of one form', () => {
    const hash = `$6$${'s'.repeat(16)}$${'h'.repeat(86)}`;
    expect(PASSWORD_HASH_PATTERN.test(hash)).toBe(true);
    for (const wrong of [`${hash}\n`, hash.slice(1), hash.replace('$6$', '$5$'), `${hash}x`, 'x'])
      expect(PASSWORD_HASH_PATTERN.test(wrong)).toBe(false);
  });
});
