import type { CommandSpec, GroupSpec } from './command.js';

/** A command at the top, known by one line; its code is loaded when it is meant. */
export interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly section: string;
  readonly isGroup: boolean;
  readonly hidden?: boolean;
  readonly load: () => Promise<CommandSpec | GroupSpec>;
}
