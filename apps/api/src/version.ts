/** Of the platform and its API; the same as in package.json, which a test holds it against. */
export const VERSION = '0.1.0';
