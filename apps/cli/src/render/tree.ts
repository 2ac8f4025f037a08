/** Items in the order of a tree, each with how deep it stands: what stands before it on its line. */
export const branches = <T extends { readonly depth: number }>(
  items: readonly T[],
): readonly (readonly [string, T])[] =>
  items.map((item, index) => {
    const later = items.slice(index + 1);
    const bars = Array.from({ length: item.depth }, (_, level) => {
      const depth = level + 1;
      const next = later.find((one) => one.depth <= depth);
      const goesOn = next?.depth === depth;
      if (depth < item.depth) return goesOn ? '│  ' : '   ';
      return goesOn ? '├─ ' : '└─ ';
    });
    return [bars.join(''), item] as const;
  });
