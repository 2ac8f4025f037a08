import type { Actor } from '@shiplog/events';

/** In the order in which one leads to the next; an actor and a command may stand between others, too. */
export const STEP_KINDS = [
  'actor',
  'command',
  'build',
  'release',
  'rollout',
  'instance',
  'container',
  'signal',
  'route',
] as const;

/** One thing that happened, and that something else came of. */
export interface Step {
  readonly kind: (typeof STEP_KINDS)[number];
  /** Of the user, the commit, the build, the rollout, the instance, the container, the router; `v3`. */
  readonly id: string;
  readonly text: string;
  readonly state: string | null;
  /** Who recorded or asked for it. */
  readonly actor: string | null;
  readonly reason: string | null;
  readonly time: string | null;
  readonly sequence: string | null;
}

/** A step where it stands in the tree: under the last one above it that is less deep. */
export interface PlacedStep extends Step {
  readonly depth: number;
  /** It is what was asked for. */
  readonly asked: boolean;
}

export const actorStep = ({ kind, id, name }: Actor): Step => ({
  kind: 'actor',
  id,
  text: kind === 'user' ? name : `${name} (process)`,
  state: null,
  actor: name,
  reason: null,
  time: null,
  sequence: null,
});

interface Node {
  readonly step: Step;
  readonly under: Map<string, Node>;
}

/** Paths with the same beginning become one tree; the steps in the order in which it is printed. */
export const mergePaths = (
  paths: readonly (readonly Step[])[],
  isAsked: (step: Step) => boolean,
): readonly PlacedStep[] => {
  const roots = new Map<string, Node>();
  for (const path of paths) {
    let level = roots;
    for (const step of path) {
      const key = `${step.kind} ${step.id}`;
      const node = level.get(key) ?? { step, under: new Map<string, Node>() };
      level.set(key, node);
      level = node.under;
    }
  }
  const place = (nodes: Map<string, Node>, depth: number): PlacedStep[] =>
    [...nodes.values()].flatMap(({ step, under }) => [
      { ...step, depth, asked: isAsked(step) },
      ...place(under, depth + 1),
    ]);
  return place(roots, 0);
};
