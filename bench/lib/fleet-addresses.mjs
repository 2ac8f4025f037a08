/** Of the `n`th instance of a fleet: 127.1.0.1 and on, `n` in its last three bytes. */
export const addressOf = (n) => `127.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
