import { domainToASCII, domainToUnicode } from 'node:url';
import { HOST_PATTERN } from '@shiplog/events';

/** What a person may type as a host: letters, digits, what is written above and below them, `-` and dots. */
const TYPED = /^[\p{L}\p{M}\p{N}.\-\u3002\uff0e\uff61\u00b7\u30fb]+$/u;

/** Scripts that are written together in one word; everything else is one script a label. */
const TOGETHER: readonly (readonly string[])[] = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
];
const SCRIPTS = [
  ...['Latin', 'Cyrillic', 'Greek', 'Armenian', 'Georgian', 'Hebrew', 'Arabic', 'Devanagari'],
  ...['Bengali', 'Gujarati', 'Gurmukhi', 'Kannada', 'Malayalam', 'Oriya', 'Tamil', 'Telugu'],
  ...['Sinhala', 'Thai', 'Lao', 'Khmer', 'Myanmar', 'Tibetan', 'Ethiopic', 'Mongolian'],
  ...['Han', 'Hiragana', 'Katakana', 'Hangul', 'Bopomofo', 'Cherokee', 'Thaana', 'Syriac'],
].map((name) => ({ name, pattern: new RegExp(`\\p{Script=${name}}`, 'u') }));
/** A word of nothing but these looks like one of Latin letters. */
const LOOKS_LATIN = /^[аԁеһіјӏорԛѕԝхуьѵ0-9-]*[аԁеһіјӏорԛѕԝхуьѵ][аԁеһіјӏорԛѕԝхуьѵ0-9-]*$/u;

/** The host in ASCII and lower case, or what is wrong with it, said behind its name. */
export const hostOf = (text: string): { host: string } | { fault: string } => {
  if (!TYPED.test(text)) return { fault: NO_HOST };
  const isAscii = /^[\x00-\x7f]*$/.test(text);
  const host = isAscii ? text.toLowerCase() : domainToASCII(text.normalize('NFC'));
  if (/^[\d.]+$/.test(host) || /\.\d+$/.test(host)) {
    return { fault: 'is an address; expected a host name such as www.example.com.' };
  }
  if (!HOST_PATTERN.test(host)) return { fault: NO_HOST };
  if (!host.includes('xn--')) return { host };
  const shown = domainToUnicode(host);
  if (shown === '' || domainToASCII(shown) !== host) {
    return { fault: 'is not the encoded form of an internationalised name; type the name itself.' };
  }
  const fault = shown
    .split('.')
    .map(labelFault)
    .find((one) => one !== undefined);
  return fault === undefined ? { host } : { fault };
};

const NO_HOST =
  'is no domain; expected one such as www.example.com, *.example.com or www.example.com/api: labels of letters, digits and "-", joined by dots, at least two of them.';

const labelFault = (label: string): string | undefined => {
  const scripts = scriptsOf(label);
  const isTogether =
    scripts.length <= 1 || TOGETHER.some((set) => scripts.every((script) => set.includes(script)));
  if (!isTogether) {
    return `mixes scripts in "${label}" (${scripts.join(', ')}), so it can look like another name; use one script for each part.`;
  }
  return LOOKS_LATIN.test(label)
    ? `has "${label}" in letters that are not Latin and look as if they were; take the Latin letters.`
    : undefined;
};

const scriptsOf = (label: string): string[] => {
  const found = new Set<string>();
  for (const letter of label) {
    if (!/\p{L}/u.test(letter)) continue;
    const script = SCRIPTS.find(({ pattern }) => pattern.test(letter));
    // Letters of several scripts belong to all of them.
    if (script === undefined && /\p{Script=Common}|\p{Script=Inherited}/u.test(letter)) continue;
    found.add(script?.name ?? 'another');
  }
  return [...found];
};

/** As a person reads it: `*.bücher.example/api`. */
export const domainShown = (domain: string): string => {
  const [pattern = '', ...path] = domain.split('/');
  const wildcard = pattern.startsWith('*.') ? '*.' : '';
  const shown = domainToUnicode(pattern.slice(wildcard.length));
  return [`${wildcard}${shown === '' ? pattern : shown}`, ...path].join('/');
};
