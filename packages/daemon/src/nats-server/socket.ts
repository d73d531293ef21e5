/** What can be learnt about a nats-server without its client: it speaks first. */
import { connect, createServer, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { readSmallFileSync } from "@castellan/kernel";
import type { ListenSettings, MutualTls } from "@castellan/protocol/home";

const GREETING_MS = 500;

/**
 * What it says to every connection: INFO, with its name in it. Empty when there is none; null when it is silent. `tls`: the
 * handshake that follows is made too; the server would log a broken one each time.
 */
export function greetingOf({ host, port }: ListenSettings, tls: MutualTls | null = null): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(port, host.replace(/^\[|\]$/g, ""));
    let said = "";
    const answer = (greeting: string | null): void => {
      socket.destroy();
      resolve(greeting);
    };
    socket.setTimeout(GREETING_MS, () => answer(said === "" ? null : said));
    socket.once("error", () => answer(said));
    socket.once("close", () => answer(said));
    socket.once("data", (chunk) => {
      said = chunk.toString("latin1");
      if (tls === null || !shakeHands(socket, tls)) answer(said);
    });
  });
}

/** Closes the connection afterwards. False when the files cannot be read now: they may be being exchanged. */
function shakeHands(socket: Socket, tls: MutualTls): boolean {
  try {
    const [ca, cert, key] = [tls.ca, tls.cert, tls.key].map((path) => readSmallFileSync(path, MAX_FILE_BYTES));
    if (ca === undefined || cert === undefined || key === undefined) return false;
    const secured = connectSecurely({ socket, servername: tls.name, ca, cert, key });
    secured.once("secureConnect", () => secured.end());
    secured.once("error", () => socket.destroy()); // what it said counts, not what it thinks of us
    return true;
  } catch {
    return false;
  }
}

const MAX_FILE_BYTES = 1024 * 1024;

/** A port of loopback nobody has at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

/** Whether a NATS server listens at an address: `HOST:PORT`, or the first of `nats://HOST:PORT` with commas between them. */
export async function natsAnswers(address: string): Promise<boolean> {
  const [first = ""] = address.split(",");
  const place = first.replace(/^[a-z]+:\/\//, "").replace(/^[^@]*@/, "");
  const colon = place.lastIndexOf(":");
  return ((await greetingOf({ host: place.slice(0, colon), port: Number(place.slice(colon + 1)) })) ?? "") !== "";
}
