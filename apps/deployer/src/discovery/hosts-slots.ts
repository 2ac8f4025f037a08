/** Which file holds which line; a file that holds none is free. */
export type Slots = ReadonlyMap<string, string>;

export interface SlotChanges {
  /** What to write, in this order: file name and content. Empty when nothing has to be done. */
  readonly writes: readonly (readonly [file: string, content: string])[];
  readonly after: Slots;
}

/**
 * Every line has a file of its own, for two reasons: the engine replaces a file by removing it first, and
 * dnsmasq forgets with a file what a second one says, too. So what stays is not touched, and what is new
 * comes before the old goes. Files of lines that went are used again.
 */
export const planSlots = (before: Slots, hosts: string): SlotChanges => {
  const wanted = new Set(hosts.split('\n').flatMap((line) => (line === '' ? [] : `${line}\n`)));
  const held = [...before].filter(([, line]) => line !== '');
  const gone = held.filter(([, line]) => !wanted.has(line));
  const there = new Set(held.map(([, line]) => line));
  const used = new Set(held.map(([file]) => file));
  const free = freeNames(used);
  const writes = [
    ...[...wanted]
      .filter((line) => !there.has(line))
      .map((line) => [free.next().value ?? '', line] as const),
    ...gone.map(([file]) => [file, ''] as const),
  ];
  return { writes, after: new Map([...before, ...writes]) };
};

function* freeNames(used: ReadonlySet<string>): Generator<string, string> {
  for (let n = 0; ; n += 1) if (!used.has(`${n}`)) yield `${n}`;
}
