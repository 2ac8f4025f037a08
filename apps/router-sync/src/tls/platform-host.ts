/** A public platform: its own host, and where its api listens. */
export interface PlatformHost {
  readonly domain: string;
  readonly apiPort: number;
}

/** Below it the authority asks at any host whether it is ours: HTTP-01 of ACME. */
export const ACME_PATH = '/.well-known/acme-challenge/';
