/** Who a container of an image runs as. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The text of a file of the image; undefined where it has no such file. */
type ReadFile = (path: string) => Promise<string | undefined>;

/**
 * The `USER` of an image, in numbers. Undefined where it is a name that its files do not have: the engine says so
 * itself, when it starts the container.
 */
export const ownerOf = async (user: string, read: ReadFile): Promise<Owner | undefined> => {
  const [name = '', group = ''] = user.split(':');
  const account = lineOf(await read('/etc/passwd'), name);
  const uid = numberOf(name) ?? numberOf(account?.[2]);
  // Without a group it is the one of the account, and root's where there is none.
  const gid = group === '' ? (numberOf(account?.[3]) ?? 0) : await groupOf(group, read);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
};

const groupOf = async (group: string, read: ReadFile): Promise<number | undefined> =>
  numberOf(group) ?? numberOf(lineOf(await read('/etc/group'), group)?.[2]);

/** The fields of the entry with that name, or that number. */
const lineOf = (text: string | undefined, wanted: string): readonly string[] | undefined =>
  (text ?? '')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name, , id]) => name === wanted || id === wanted);

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
