/** Follows the stages of a Dockerfile: which layer stands for all that each one did. */
export class StageLayers {
  /** Last layers of the stages before this one, in their order. */
  readonly ended: string[] = [];
  /** The newest layer of the stage that is built; none before its first step made one. */
  current: readonly string[] = [];
  private hasSteps = false;

  step(instruction: string): void {
    // What FROM names is a base image, or a stage that is known already: not this stage's own.
    this.hasSteps = !/^FROM\s/i.test(instruction);
    if (this.hasSteps) return;
    this.ended.push(...this.current);
    this.current = [];
  }

  layer(id: string): void {
    if (this.hasSteps) this.current = [id];
  }
}
