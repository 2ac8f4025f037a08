import type { ActiveApp, World } from '@shiplog/domain';

interface PasswordsDependencies {
  readonly world: Pick<World, 'apps' | 'app'>;
  readonly decrypt: (appId: string, encrypted: string) => Promise<string>;
  /** One that cannot be read, once: nobody comes through with it. */
  readonly onMissing: (appId: string, user: string, error: unknown) => void;
}

type Apps = ReadonlySet<string> | 'all';

interface Wanted {
  readonly appId: string;
  readonly user: string;
  readonly encrypted: string;
}

/** Hashes of the passwords of clients, which the log has encrypted with the keys of their apps. */
export class Passwords {
  /** By what the log has of them. Read once: it never changes. */
  private readonly hashes = new Map<string, string>();
  /** Those that could not be read, and whose they are. */
  private missing = new Map<string, string>();

  constructor(private readonly deps: PasswordsDependencies) {}

  readonly hashOf = (encrypted: string): string | undefined => this.hashes.get(encrypted);

  /**
   * Those of some apps, and what failed before; of all of them, those that nobody has any more are forgotten. Until there
   * is nothing more to open: `appIds` is asked again, since meanwhile others may have come. Answers of which apps one was opened.
   */
  async open(appIds: () => Apps): Promise<ReadonlySet<string>> {
    const before = new Set(this.missing.values());
    const failed = new Map<string, string>();
    const opened = new Set<string>();
    const closed = (): readonly Wanted[] => this.closed(appIds(), before, failed);
    for (let wanted = closed(); wanted.length > 0; wanted = closed()) {
      for (const one of wanted) {
        if (await this.opens(one)) opened.add(one.appId);
        else failed.set(one.encrypted, one.appId);
      }
    }
    this.missing = failed;
    return opened;
  }

  private closed(
    appIds: Apps,
    before: ReadonlySet<string>,
    failed: ReadonlyMap<string, string>,
  ): readonly Wanted[] {
    const wanted = this.wanted(appIds === 'all' ? appIds : new Set([...appIds, ...before]));
    if (appIds === 'all') this.keep(new Set(wanted.map(({ encrypted }) => encrypted)));
    return wanted.filter(({ encrypted }) => !this.hashes.has(encrypted) && !failed.has(encrypted));
  }

  private keep(wanted: ReadonlySet<string>): void {
    for (const encrypted of this.hashes.keys()) {
      if (!wanted.has(encrypted)) this.hashes.delete(encrypted);
    }
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

  private wanted(appIds: Apps): readonly Wanted[] {
    return this.apps(appIds).flatMap(({ appId, basicAuth }) =>
      Object.entries(basicAuth?.users ?? {}).map(([user, encrypted]) => {
        return { appId, user, encrypted };
      }),
    );
  }

  private apps(appIds: Apps): readonly ActiveApp[] {
    const { world } = this.deps;
    if (appIds === 'all') return world.apps();
    return [...appIds].flatMap((appId) => world.app(appId) ?? []);
  }
}
