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

export const LOCAL = 'This machine';

export const command = (
  section: string,
  name: string,
  summary: string,
  load: () => Promise<CommandSpec>,
): Entry => ({ section, name, summary, isGroup: false, load });
export const group = (
  section: string,
  name: string,
  summary: string,
  load: () => Promise<GroupSpec>,
): Entry => ({ section, name, summary, isGroup: true, load });
export const hidden = (name: string, load: () => Promise<CommandSpec>): Entry => ({
  ...command(LOCAL, name, '', load),
  hidden: true,
});
