import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** These take minutes: begun last, one of them would run alone at the end. */
const LONGEST = [
  'killed-at-every-point',
  'compose',
  'under-load',
  'failing-apps',
  'https',
  'rebuild',
];

const rankOf = ({ moduleId }: TestSpecification): number => {
  const rank = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.e2e.spec.ts`));
  return rank < 0 ? LONGEST.length : rank;
};

/** On a fresh clone vitest knows nothing of earlier runs, and goes by the size of files. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}
