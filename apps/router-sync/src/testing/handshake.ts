import { connect } from 'node:tls';

/** SHA-1 of the certificate that a client of this host gets, as proxies write it; undefined where it gets none. */
export const handshake = (port: number, host: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connect(
      { port, host: '127.0.0.1', servername: host, rejectUnauthorized: false },
      () => {
        resolve(socket.getPeerCertificate().fingerprint.replaceAll(':', ''));
        socket.destroy();
      },
    );
    socket.once('error', () => resolve(undefined));
    socket.once('close', () => resolve(undefined));
  });
