import { agoOf, bad, ok, type Verdict } from './verdict.js';

/** What the provisioner left about the server that it proved. */
export interface DurabilityProof {
  readonly serverName: string;
  readonly serverVersion: string;
  readonly provedAt: string;
}

export const durabilityVerdict = (
  durability: string,
  proof: DurabilityProof | undefined,
  nowMs: number,
): Verdict => {
  const proved =
    proof === undefined
      ? ''
      : `nats-server ${proof.serverVersion} (${proof.serverName}), ${agoOf(proof.provedAt, nowMs)}`;
  switch (durability) {
    case 'disk':
    case 'replicated':
      return ok(
        `${durability}: acknowledged changes survive power loss${proved === '' ? '' : `; proved of ${proved}`}`,
      );
    case 'process':
      return bad(
        'warning',
        proved === ''
          ? 'process: acknowledged changes survive a crash, but the last ones not a power loss'
          : `process: the proof is of another server, ${proved}`,
        'run nats-server 2.14 or newer with jetstream { sync_interval: always }, then restart the platform: it proves it',
      );
    default:
      return bad(
        'warning',
        `${durability}: it is not proved that changes survive a crash`,
        'restart the platform; the provisioner proves durability at start',
      );
  }
};
