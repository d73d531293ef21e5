/** What can be learnt about a nats-server without its client: it speaks first. */
import { connect, createServer } from "node:net";
import type { ListenSettings } from "@castellan/protocol/home";

const GREETING_MS = 500;

/** What it says to every connection: INFO, with its name in it. Empty when there is none; null when it is silent. */
export function greetingOf({ host, port }: ListenSettings): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(port, host.replace(/^\[|\]$/g, ""));
    const answer = (said: string | null): void => {
      socket.destroy();
      resolve(said);
    };
    socket.setTimeout(GREETING_MS, () => answer(null));
    socket.once("error", () => answer(""));
    socket.once("close", () => answer(""));
    socket.once("data", (chunk) => answer(chunk.toString("latin1")));
  });
}

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
