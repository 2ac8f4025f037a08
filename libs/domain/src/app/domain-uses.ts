import type { AppEvent, DomainUse } from '@shiplog/events';

/** The domains of an app. */
export interface Domains {
  readonly domains: readonly string[];
  /** By domain; what is not here is served plainly. */
  readonly domainUses: Readonly<Record<string, DomainUse>>;
}

/** The app answers at it, and sees paths as clients send them. */
export const PLAIN_USE: DomainUse = { kind: 'serve', strip: false };

export const useOf = ({ domainUses }: Pick<Domains, 'domainUses'>, host: string): DomainUse =>
  domainUses[host] ?? PLAIN_USE;

/** Behind the name of a domain; nothing where the app just answers. */
export const useText = (use: DomainUse): string => {
  if (use.kind === 'redirect') return ` redirects to ${use.to} (${use.status})`;
  return use.strip ? ' without its path' : '';
};

export const isSameUse = (a: DomainUse, b: DomainUse): boolean =>
  JSON.stringify(a, KEYS) === JSON.stringify(b, KEYS);
const KEYS = ['kind', 'strip', 'to', 'status'];

type DomainEvents = Extract<
  AppEvent,
  { type: 'DomainAdded' | 'DomainUseChanged' | 'DomainRemoved' }
>;

export const evolveDomains = ({ domains, domainUses }: Domains, event: DomainEvents): Domains => {
  const { host } = event.data;
  const { [host]: _before, ...others } = domainUses;
  const without = domains.filter((one) => one !== host);
  if (event.type === 'DomainRemoved') return { domains: without, domainUses: others };
  const { use } = event.data;
  return {
    domains: [...without, host].toSorted(),
    domainUses: isSameUse(use, PLAIN_USE) ? others : { ...others, [host]: use },
  };
};
