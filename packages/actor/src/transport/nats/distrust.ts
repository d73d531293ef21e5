/**
 * Why two sides of a connection do not believe each other. The client says "timeout" of most of it (since TLS 1.3 a server looks at
 * our certificate when we already take the connection for made), so once it has failed the greeting is spoken again, by hand.
 */
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { ensureError, readSmallFileSync } from "@castellan/kernel";
import type { TlsOptions } from "nats";

/** What Node's TLS takes, by name, besides what the client's type lists. */
export type LinkTls = TlsOptions & { readonly servername?: string };

const WITHIN_MS = 2000;
const MAX_FILE_BYTES = 1024 * 1024;
/** Whoever is let in gets an answer to it. */
const HELLO = 'CONNECT {"verbose":false,"pedantic":false}\r\nPING\r\n';

/** Null: it is not for want of trust, or nobody answers at all. Never rejects. */
export async function distrustOf(url: string, tls: LinkTls | undefined): Promise<string | null> {
  let socket: Socket | null = null;
  try {
    const { hostname, port } = new URL(url);
    socket = connectPlain(Number(port === "" ? 4222 : port), hostname.replace(/^\[|\]$/g, ""));
    socket.setTimeout(WITHIN_MS, () => socket?.destroy());
    const greeting = await firstWord(socket);
    if (greeting === null || !/"tls_(?:required|available)": ?true/.test(greeting)) return null;
    return await handshake(socket, tls);
  } catch {
    return null; // an address that cannot be read
  } finally {
    socket?.destroy();
  }
}

function firstWord(socket: Socket): Promise<string | null> {
  return new Promise((resolve) => {
    socket.once("data", (said) => resolve(said.toString("latin1")));
    socket.once("error", () => resolve(null));
    socket.once("close", () => resolve(null));
  });
}

function handshake(socket: Socket, tls: LinkTls | undefined): Promise<string | null> {
  return new Promise((resolve) => {
    try {
      const { servername } = tls ?? {};
      const secured = connectSecurely({ socket, ...filesOf(tls), ...(servername !== undefined && { servername }) });
      const done = (reason: string | null): void => {
        secured.destroy();
        resolve(reason);
      };
      secured.once("secureConnect", () => secured.write(HELLO));
      secured.once("data", () => done(null));
      secured.once("error", (error) => done(reasonOf(error)));
      secured.once("close", () => done(null));
    } catch (thrown) {
      resolve(ensureError(thrown).message); // a file that cannot be read, a key that does not fit
    }
  });
}

/** The words of the protocol, without where in the library they come from. */
function reasonOf(error: Error): string {
  const reason: unknown = Reflect.get(error, "reason");
  return typeof reason === "string" ? reason : error.message;
}

function filesOf(tls: LinkTls | undefined): Record<string, string> {
  return Object.fromEntries([
    ...entry("ca", tls?.ca, tls?.caFile),
    ...entry("cert", tls?.cert, tls?.certFile),
    ...entry("key", tls?.key, tls?.keyFile),
  ]);
}

function entry(name: string, text: string | undefined, path: string | undefined): [string, string][] {
  const found = path === undefined ? text : readSmallFileSync(path, MAX_FILE_BYTES).toString("utf8");
  return found === undefined ? [] : [[name, found]];
}
