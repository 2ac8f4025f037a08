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
  for (const update of updates) {
    const deployed = DEPLOYED_BRANCHES.find((branch) => update.ref === `refs/heads/${branch}`);
    if (deployed === undefined) {
      const note = noteOn(update);
      if (note === undefined) {
        return refused(
          `${printable(update.ref)} is neither a branch nor a tag; nothing was stored`,
        );
      }
      notes.push(note);
    } else if (isGone(update.after)) {
      return refused(
        `branch ${deployed} says what is deployed and cannot be deleted; to take the app down: shiplog stop, or shiplog apps destroy`,
      );
    } else {
      deploys.set(deployed, update.after);
    }
  }
  if (new Set(deploys.values()).size > 1) {
    return refused('main and master name different commits, and one of them is deployed; push one');
  }
  const [first] = deploys;
  const deploy = first === undefined ? null : { branch: first[0], commit: first[1] };
  return { kind: 'accepted', notes, deploy };
};

/** About a ref that is stored and nothing else; undefined when it is none that we store. */
const noteOn = ({ ref, after }: RefUpdate): string | undefined => {
  const [, kind, name] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
  if (name === undefined) return undefined;
  const what = `${kind === 'heads' ? 'branch' : 'tag'} ${printable(name)}`;
  if (isGone(after)) return `${what} is deleted`;
  const hint = kind === 'heads' ? '; to deploy it: git push <remote> HEAD:main' : '';
  return `${what} is stored, not deployed${hint}`;
};

const refused = (text: string): PushDecision => ({ kind: 'refused', text });

/** What somebody else wrote, for a terminal: without control characters and not endless. */
export const printable = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, '?').slice(0, 400);
