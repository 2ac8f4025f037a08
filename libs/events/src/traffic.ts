import { z } from 'zod';

/** Networks that one list may hold. */
export const NETWORKS_MAX = 50;
/** Headers that one direction may set, and may remove. */
export const HEADERS_MAX = 20;

/** Name of a header in lower case. Without `_`, which many frameworks take for `-`. */
export const HEADER_NAME_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;

/**
 * Headers that say where a message ends, what belongs to one connection, or what the router itself says about
 * a client: who could change them could smuggle requests, or speak for the router.
 */
const OWN_HEADERS =
  /^(?:connection|content-length|expect|forwarded|host|http2-settings|keep-alive|proxy-.*|set-cookie|cookie|te|trailer|transfer-encoding|upgrade|x-accel-.*|x-forwarded-.*|x-real-ip|x-request-id)$/;
export const isOwnHeader = (name: string): boolean => OWN_HEADERS.test(name);

const headerName = z
  .string()
  .regex(
    HEADER_NAME_PATTERN,
    'the name of a header in lower case: letters, digits and "-", at most 64',
  )
  .refine(
    (name) => !isOwnHeader(name),
    'a header that the router does not need itself: not of the connection, the length, the host, cookies, or what is forwarded about the client',
  );

/** What can stand in one line of a message, and nothing else: no control character, nothing beyond ASCII. */
export const HEADER_VALUE_PATTERN = /^[!-~](?:[ -~]{0,254}[!-~])?$/;
const headerValue = z
  .string()
  .regex(
    HEADER_VALUE_PATTERN,
    'one to 256 printable ASCII characters, with no space at either end',
  );

export const headerChanges = z
  .strictObject({
    set: z.record(headerName, headerValue),
    remove: z.array(headerName).max(HEADERS_MAX),
  })
  .refine(
    ({ set, remove }) => Object.keys(set).length + remove.length > 0,
    'at least one header to set or to remove',
  )
  .refine(
    ({ set }) => Object.keys(set).length <= HEADERS_MAX,
    `at most ${HEADERS_MAX} headers to set`,
  )
  .refine(
    ({ set, remove }) => remove.every((name) => !Object.hasOwn(set, name)),
    'a header is set or removed, not both',
  );
export type HeaderChanges = z.infer<typeof headerChanges>;

/** An address and the length of its network: `10.0.0.0/8`, `2001:db8::/32`. */
export const network = z
  .string()
  .max(43)
  .refine(
    (text) => z.cidrv4().safeParse(text).success || isNetworkV6(text),
    'a network such as 10.0.0.0/8, 192.0.2.7/32 or 2001:db8::/32',
  );
/** Without the spelling that ends in an IPv4 address: that network is written as one of IPv4. */
const isNetworkV6 = (text: string): boolean =>
  /^[0-9a-fA-F:]+\/\d{1,3}$/.test(text) && z.cidrv6().safeParse(text).success;

const networks = z.array(network).min(1).max(NETWORKS_MAX);

/** What the router does with the requests of one app. What is absent is not done, or done as for every app. */
export const trafficPolicy = z
  .strictObject({
    /** A client comes back to the instance that answered it first, by a cookie, for as long as that one takes requests. */
    sticky: z.literal(true),
    /** Requests above it are answered with 429. Each client has its own count. */
    rate: z.strictObject({
      requests: z.number().int().min(1).max(100_000),
      per: z.enum(['second', 'minute']),
      /** So many more at once. */
      burst: z.number().int().min(0).max(100_000),
      /** Who is a client: `address`, or `header:NAME`; a request without that header counts by its address. */
      by: z
        .string()
        .regex(
          /^(?:address|header:[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?)$/,
          'address, or header:NAME with the name in lower case',
        ),
    }),
    /** Requests that each instance has in hand at once; more wait, above that they are answered with 503. */
    concurrency: z.strictObject({
      perInstance: z.number().int().min(1).max(10_000),
      /** Requests of the whole app that may wait. */
      queue: z.number().int().min(0).max(10_000),
    }),
    /** A longer body is answered with 413, one of unknown length with 411, before the app sees it. */
    bodyBytes: z
      .number()
      .int()
      .min(1)
      .max(2 ** 40),
    /** Seconds for which an instance may be silent before or within an answer. Default 60. */
    responseSeconds: z.number().int().min(1).max(3600),
    /** Seconds for which a WebSocket or an event stream may be silent. Default 3600. */
    tunnelSeconds: z.number().int().min(1).max(86_400),
    /** Only clients of these networks are served; others are answered with 403. */
    allow: networks,
    /** Clients of these networks are answered with 403, also where they are allowed. */
    deny: networks,
    /** What is changed of a request before the app gets it. */
    requestHeaders: headerChanges,
    /** What is changed of an answer before the client gets it. */
    responseHeaders: headerChanges,
  })
  .partial();
export type TrafficPolicy = z.infer<typeof trafficPolicy>;
