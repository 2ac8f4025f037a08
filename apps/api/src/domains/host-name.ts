import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { APP_NAME_PATTERN, HOST_PATTERN } from '@shiplog/events';
import { printable } from '../http/door.js';
import { Problem } from '../http/problem.js';

/** A host as it may be added to an app: strict grammar, lower case, none of the platform's own. */
export const parseHost = (text: string, platformDomain: string): string => {
  const host = text.toLowerCase();
  const fault = faultOf(host);
  if (fault !== undefined) {
    const message = `"${printable(text)}" ${fault}`;
    throw new Problem('invalid-input', `path.host: ${message}`, {
      errors: [{ path: 'path.host', message }],
    });
  }
  const suffix = `.${platformDomain}`;
  if (host.endsWith(suffix) && APP_NAME_PATTERN.test(host.slice(0, -suffix.length))) {
    throw new Problem(
      'domain-of-platform',
      `${host} is the default host of the app of that name, whether there is one yet or not. Create an app called "${host.slice(0, -suffix.length)}", or take a host outside of *${suffix}.`,
    );
  }
  return host;
};

const faultOf = (host: string): string | undefined => {
  if (/[^\x00-\x7f]/.test(host)) {
    const ascii = domainToASCII(host);
    return HOST_PATTERN.test(ascii)
      ? `has letters outside ASCII; give its encoded form: ${ascii}.`
      : 'is not a host name; expected one such as www.example.com.';
  }
  if (host.startsWith('*.')) return 'is a wildcard; name each host.';
  if (isIP(host) !== 0 || /\.\d+$/.test(host)) {
    return 'is an address; expected a host name such as www.example.com.';
  }
  return HOST_PATTERN.test(host)
    ? undefined
    : 'is not a host name; expected one such as www.example.com: labels of letters, digits and "-", joined by dots.';
};
