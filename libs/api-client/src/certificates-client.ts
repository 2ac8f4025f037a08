import { change, valueOf, type ChangeOptions, type Connection } from './connection.js';

export interface CertificateFiles {
  /** PEM: the certificate, then those that lead to its root. */
  readonly certificate: string;
  /** PEM. */
  readonly privateKey: string;
}

export const certificatesOf = ({ fetch: api, url }: Connection) => ({
  list: () => valueOf(api.GET('/v1/certificates'), url),
  show: (domain: string) =>
    valueOf(api.GET('/v1/certificates/{domain}', { params: { path: { domain } } }), url),
  add: (domain: string, body: CertificateFiles, options: ChangeOptions) =>
    valueOf(
      api.PUT('/v1/certificates/{domain}', {
        params: { path: { domain } },
        body,
        ...change(options),
      }),
      url,
    ),
  remove: (domain: string, options: ChangeOptions) =>
    valueOf(
      api.DELETE('/v1/certificates/{domain}', { params: { path: { domain } }, ...change(options) }),
      url,
    ),
  policy: (app: string) =>
    valueOf(api.GET('/v1/apps/{app}/https', { params: { path: { app } } }), url),
  changePolicy: (
    app: string,
    body: { readonly redirect?: boolean; readonly hstsSeconds?: number | null },
    options: ChangeOptions,
  ) =>
    valueOf(
      api.PATCH('/v1/apps/{app}/https', { params: { path: { app } }, body, ...change(options) }),
      url,
    ),
});
