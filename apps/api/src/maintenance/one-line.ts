/**
 * A page without control characters, which shows what it showed: line breaks are spaces, but in scripts
 * line separators and where they are seen references of characters. Proxies keep a page on one line.
 */
export const onOneLine = (html: string): string =>
  html
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/<(script|pre|textarea)\b[^>]*>[\s\S]*?<\/\1\s*>/gi, (element, name: string) =>
      name.toLowerCase() === 'script'
        ? element.replaceAll('\n', '\u2028')
        : element.replaceAll('\n', '&#10;').replaceAll('\t', '&#9;'),
    )
    .replaceAll(/[\u0000-\u001f\u007f]/g, ' ');
