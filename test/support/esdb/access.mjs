import { timingSafeEqual } from 'node:crypto';

/** What upstream has where nobody set anything: `$settings` and the metadata of a stream say otherwise. */
const USER_STREAMS = { $r: '$all', $w: '$all', $d: '$all', $mr: '$all', $mw: '$all' };
const SYSTEM_STREAMS = {
  $r: '$admins',
  $w: '$admins',
  $d: '$admins',
  $mr: '$admins',
  $mw: '$admins',
};

/** Users with their groups, and who of them may do what. Without users everybody may do everything. */
export class Access {
  #users;
  #store;

  /** `name:password` or `name:password:group,group`. */
  constructor(store, users) {
    this.#store = store;
    this.#users = new Map(
      users.map((line) => {
        const [name, password, groups = ''] = line.split(':');
        return [
          name,
          { name, password, groups: groups.split(',').filter((group) => group !== '') },
        ];
      }),
    );
  }

  /** The user, `anonymous`, or undefined when the password is wrong. */
  userOf(authorization) {
    if (authorization === undefined) return { name: 'anonymous', groups: [] };
    const [name = '', password = ''] = Buffer.from(authorization.replace(/^Basic /i, ''), 'base64')
      .toString()
      .split(':');
    const user = this.#users.get(name);
    return user !== undefined && isSame(user.password, password) ? user : undefined;
  }

  /** `right`: `$r` read, `$w` write, `$d` delete, `$mr` and `$mw` read and write metadata. */
  may(user, right, stream) {
    if (this.#users.size === 0 || user.groups.includes('$admins')) return true;
    if (stream.startsWith('$$')) {
      return this.may(user, right === '$r' ? '$mr' : '$mw', stream.slice(2));
    }
    const settings = this.#settings();
    const byDefault = stream.startsWith('$')
      ? { ...SYSTEM_STREAMS, ...settings.$systemStreamAcl }
      : { ...USER_STREAMS, ...settings.$userStreamAcl };
    const allowed = this.#store.metadata(stream).$acl?.[right] ?? byDefault[right];
    return [allowed]
      .flat()
      .some((who) => who === '$all' || who === user.name || user.groups.includes(who));
  }

  #settings() {
    const last = this.#store.events('$settings').at(-1);
    return last === undefined ? {} : JSON.parse(Buffer.from(last.data, 'base64').toString());
  }
}

const isSame = (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
