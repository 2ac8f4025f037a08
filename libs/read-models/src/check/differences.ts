import canonicalize from 'canonicalize';

/** One place where two documents are not alike; `field` is null where one of them is not there at all. */
export interface DocumentDifference {
  readonly model: string;
  readonly key: string;
  /** `formation.web`, `exits`: lists are compared as a whole. */
  readonly field: string | null;
  /** As it is served, and as this code makes it; undefined where it is not there. */
  readonly old: unknown;
  readonly new: unknown;
}

/** Every field of two documents that is not the same. */
export const differencesOf = (
  { model, key }: { readonly model: string; readonly key: string },
  served: object | undefined,
  made: object | undefined,
): readonly DocumentDifference[] => {
  if (served === undefined || made === undefined) {
    return [{ model, key, field: null, old: served, new: made }];
  }
  return unlikeFields(served, made, '').map((one) => ({ model, key, ...one }));
};

type Unlike = Pick<DocumentDifference, 'field' | 'old' | 'new'>;

const unlikeFields = (served: object, made: object, prefix: string): Unlike[] => {
  const [old, now] = [new Map(Object.entries(served)), new Map(Object.entries(made))];
  const names = [...new Set([...old.keys(), ...now.keys()])].toSorted(byText);
  return names.flatMap((name) => unlike(old.get(name), now.get(name), `${prefix}${name}`));
};

const unlike = (old: unknown, now: unknown, field: string): Unlike[] => {
  if (isFields(old) && isFields(now)) return unlikeFields(old, now, `${field}.`);
  return canonicalize(old) === canonicalize(now) ? [] : [{ field, old, new: now }];
};

const isFields = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

// Not localeCompare: the order must not depend on the machine's locale.
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
