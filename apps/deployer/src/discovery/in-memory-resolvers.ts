import type { Resolvers } from './resolvers.port.js';

/** Name servers of teams in memory: what each would answer. */
export class InMemoryResolvers implements Resolvers {
  private readonly hosts = new Map<string, string>();
  /** Teams in the order of calls, and `distrust`. */
  readonly calls: string[] = [];
  /** Teams whose server cannot be reached. */
  readonly failing = new Set<string>();

  publish(teamId: string, hosts: string): Promise<void> {
    this.calls.push(teamId);
    if (this.failing.has(teamId)) return Promise.reject(new Error(`${teamId} fails`));
    if (this.hosts.has(teamId) || hosts !== '') this.hosts.set(teamId, hosts);
    return Promise.resolve();
  }

  dismiss(teamId: string): Promise<void> {
    this.hosts.delete(teamId);
    return Promise.resolve();
  }

  distrust(): void {
    this.calls.push('distrust');
  }

  /** Undefined where the team has no server. */
  answersOf(teamId: string): string | undefined {
    return this.hosts.get(teamId);
  }

  lose(teamId: string): void {
    this.hosts.delete(teamId);
  }
}
