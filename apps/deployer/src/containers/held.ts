import type { World } from '@shiplog/domain';

/** Ports and addresses that instances hold: no two may have the same. */
export class Held {
  private readonly given = new Set<number | string>();

  constructor(private readonly world: Pick<World, 'holds' | 'instances'>) {}

  has(place: number | string): boolean {
    return this.given.has(place) || this.world.holds(place);
  }

  /** Given away in this round: the log tells of it only later. */
  give(place: number | string): void {
    this.given.add(place);
  }

  /** The addresses, newest last. */
  *[Symbol.iterator](): Generator<string> {
    for (const { address } of this.world.instances()) if (address != null) yield address;
    for (const place of this.given) if (typeof place === 'string') yield place;
  }
}
