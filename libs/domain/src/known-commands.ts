import type { Commit, Position } from '@shiplog/events';

/** Found again by its id, so that the same request twice is one change. */
export interface KnownCommand {
  readonly digest: string;
  readonly stream: string;
  readonly position: Position;
  readonly time: string;
}

/** So long a request may be repeated, however many came after it. */
const REMEMBERED_MS = 24 * 60 * 60_000;
/** And so many are remembered however old they are. */
const COMMANDS_KEPT = 20_000;
/** More than that are never kept: 40 MB, and one change every second for a day. */
const COMMANDS_MAX = 100_000;

/**
 * The requests that were carried out, by id, oldest first. One that was forgotten and comes again is
 * carried out again: it has to be older than a day for that, or 100,000 have come since.
 */
export class KnownCommands {
  private commands = new Map<string, KnownCommand>();

  get(commandId: string): KnownCommand | undefined {
    return this.commands.get(commandId);
  }

  apply({ command, stream, time }: Commit, position: Position): void {
    if (command === null) return;
    if (!this.commands.has(command.id)) {
      this.commands.set(command.id, { digest: command.digest, stream, position, time });
    }
    for (const [oldest, known] of this.commands) {
      if (!this.isForgotten(known, time)) break;
      this.commands.delete(oldest);
    }
  }

  private isForgotten(oldest: KnownCommand, now: string): boolean {
    if (this.commands.size > COMMANDS_MAX) return true;
    return (
      this.commands.size > COMMANDS_KEPT &&
      Date.parse(now) - Date.parse(oldest.time) > REMEMBERED_MS
    );
  }

  snapshot(): readonly [string, KnownCommand][] {
    return [...this.commands];
  }

  restore(state: ReturnType<KnownCommands['snapshot']>): void {
    this.commands = new Map(state);
  }
}
