/** Shorter values stand in every second line by chance: blotting them out would make logs unreadable. */
const VALUE_CHARACTERS_MIN = 6;

/** Replaces every config value in a text by the name of its key. Longest values first, so that none survives inside another. */
export const redactor = (config: Readonly<Record<string, string>>): ((text: string) => string) => {
  const secrets = Object.entries(config)
    // A value of several lines is printed line by line.
    .flatMap(([key, value]) =>
      [...new Set([value, ...value.split('\n')])].map((part) => [key, part.trim()] as const),
    )
    .filter(([, value]) => value.length >= VALUE_CHARACTERS_MIN)
    .toSorted(([, a], [, b]) => b.length - a.length);
  return (text) =>
    secrets.reduce((result, [key, value]) => result.replaceAll(value, `[redacted ${key}]`), text);
};
