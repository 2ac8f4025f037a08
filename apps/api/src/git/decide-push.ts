/** One line of what git tells its hooks. */
export interface RefUpdate {
  readonly before: string;
  readonly after: string;
  readonly ref: string;
}

export type PushDecision =
  | { readonly kind: 'refused'; readonly text: string }
  | {
      readonly kind: 'accepted';
      /** What the pusher is told about refs that are stored only. */
      readonly notes: readonly string[];
      /** Null when nothing of it is deployed. */
      readonly deploy: { readonly commit: string; readonly branch: string } | null;
    };

export const DEPLOYED_BRANCHES = ['main', 'master'] as const;

const isGone = (objectName: string): boolean => /^0+$/.test(objectName);

/**
 * All refs of a push or none. `main` and `master` deploy; other branches and tags are stored, and may be
 * deleted. The deployed branches may not: they say what runs.
 */
export const decidePush = (updates: readonly RefUpdate[]): PushDecision => {
  const notes: string[] = [];
  const deploys = new Map<string, string>();
  for (const { ref, after } of updates) {
    const branch = /^refs\/heads\/(.+)$/.exec(ref)?.[1];
    const tag = /^refs\/tags\/(.+)$/.exec(ref)?.[1];
    if (branch !== undefined && isDeployed(branch)) {
      if (isGone(after)) {
        return refused(
          `branch ${branch} says what is deployed and cannot be deleted; to take the app down: shiplog stop, or shiplog apps destroy`,
        );
      }
      deploys.set(branch, after);
    } else if (branch !== undefined) {
      const name = printable(branch);
      notes.push(
        isGone(after)
          ? `branch ${name} is deleted`
          : `branch ${name} is stored, not deployed; to deploy it: git push <remote> HEAD:main`,
      );
    } else if (tag !== undefined) {
      notes.push(`tag ${printable(tag)} is ${isGone(after) ? 'deleted' : 'stored, not deployed'}`);
    } else {
      return refused(`${printable(ref)} is neither a branch nor a tag; nothing was stored`);
    }
  }
  const commits = new Set(deploys.values());
  if (commits.size > 1) {
    return refused('main and master name different commits, and one of them is deployed; push one');
  }
  const [first] = deploys;
  return {
    kind: 'accepted',
    notes,
    deploy: first === undefined ? null : { branch: first[0], commit: first[1] },
  };
};

const isDeployed = (branch: string): boolean =>
  (DEPLOYED_BRANCHES as readonly string[]).includes(branch);

const refused = (text: string): PushDecision => ({ kind: 'refused', text });

/** What somebody else wrote, for a terminal: without control characters and not endless. */
export const printable = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, '?').slice(0, 400);
