import type { World } from '@shiplog/domain';

interface PasswordsDependencies {
  readonly world: Pick<World, 'apps'>;
  readonly decrypt: (appId: string, encrypted: string) => Promise<string>;
  /** One that cannot be read, once: nobody comes through with it. */
  readonly onMissing: (appId: string, user: string, error: unknown) => void;
}

interface Wanted {
  readonly appId: string;
  readonly user: string;
  readonly encrypted: string;
}

/** Hashes of the passwords of clients, which the log has encrypted with the keys of their apps. */
export class Passwords {
  /** By what the log has of them. Read once: it never changes. */
  private readonly hashes = new Map<string, string>();
  private missing = new Set<string>();

  constructor(private readonly deps: PasswordsDependencies) {}

  readonly hashOf = (encrypted: string): string | undefined => this.hashes.get(encrypted);

  /** Until there is nothing more in the world to open: meanwhile others may have come. What failed is tried again. */
  async open(): Promise<void> {
    const failed = new Set<string>();
    for (let closed = this.closed(failed); closed.length > 0; closed = this.closed(failed)) {
      for (const one of closed) if (!(await this.opens(one))) failed.add(one.encrypted);
    }
    this.missing = failed;
  }

  private closed(failed: ReadonlySet<string>): readonly Wanted[] {
    const wanted = this.wanted();
    const keep = new Set(wanted.map(({ encrypted }) => encrypted));
    for (const encrypted of this.hashes.keys()) {
      if (!keep.has(encrypted)) this.hashes.delete(encrypted);
    }
    return wanted.filter(({ encrypted }) => !this.hashes.has(encrypted) && !failed.has(encrypted));
  }

  private async opens({ appId, user, encrypted }: Wanted): Promise<boolean> {
    try {
      this.hashes.set(encrypted, await this.deps.decrypt(appId, encrypted));
      return true;
    } catch (error) {
      if (!this.missing.has(encrypted)) this.deps.onMissing(appId, user, error);
      return false;
    }
  }

  private wanted(): readonly Wanted[] {
    return this.deps.world.apps().flatMap(({ appId, basicAuth }) =>
      Object.entries(basicAuth?.users ?? {}).map(([user, encrypted]) => {
        return { appId, user, encrypted };
      }),
    );
  }
}
