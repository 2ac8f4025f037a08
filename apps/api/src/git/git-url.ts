/** A URL that works as it is with any git: `http://x:<token>@host:port/git/<app>.git`. */
export const gitUrl = (apiUrl: string, appName: string, token: string): string => {
  const url = new URL(`git/${appName}.git`, apiUrl.endsWith('/') ? apiUrl : `${apiUrl}/`);
  url.username = 'x';
  url.password = token;
  return url.href;
};
