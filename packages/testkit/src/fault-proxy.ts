/**
 * A TCP proxy of one server whose link fails as it is told: connections are closed, reset or swallow what they are given, in
 * one direction or both, and one of them at one moment of a conversation, which no killing of servers can hit.
 *
 * What has been swallowed never comes, what was delayed does. The server is not told that a link has failed: it goes on with what it was asked.
 */
import { createServer, type Server, Socket } from "node:net";

/** `close` = FIN, `reset` = RST, `stall` = open, and nothing comes through; `delay` = what the server says comes with `heal`. */
export type LinkFault = "close" | "reset" | "stall" | "delay";
export type Direction = "toServer" | "toClient";

/**
 * One moment of a conversation, when what the client sends holds `request`:
 * - `beforeServer`: the server never sees it
 * - `underway`: the server has it, and the link fails before the answer
 * - `afterAnswer`: the server has answered, and the client does not hear it
 */
export interface Ambush {
  readonly request: string;
  readonly moment: "beforeServer" | "underway" | "afterAnswer";
  readonly fault: LinkFault;
}

export interface FaultProxy {
  readonly port: number;
  /** Connections that a client has open now. */
  readonly connections: number;
  /** Fails the next connection on which it comes to this, once. Settles when it has. */
  ambush(ambush: Ambush): Promise<void>;
  /** All connections at once, and every later one until `heal`. */
  fail(fault: Exclude<LinkFault, "delay">): void;
  /** Nothing goes this way any more, on whatever connection, until `heal`. */
  swallow(direction: Direction): void;
  heal(): void;
  /** Later connections go there, as when an address moves to another server; those that are open are reset. */
  redirect(target: ProxyTarget): void;
  stop(): Promise<void>;
}

export interface ProxyTarget {
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly port: number;
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  hasFailed: boolean;
  /** What the server has said since its link is slow; null: it is not. */
  delayed: Buffer[] | null;
}

/** Listens on a free port of the loopback address. */
export async function faultProxy(first: ProxyTarget): Promise<FaultProxy> {
  let target = first;
  const links = new Set<Link>();
  const swallowed = new Set<Direction>();
  let failing: Parameters<FaultProxy["fail"]>[0] | null = null;
  let armed: (Ambush & { readonly sprung: () => void }) | null = null;

  const server = createServer((client) => {
    const link: Link = { client, upstream: new Socket(), hasFailed: false, delayed: null };
    const { upstream } = link;
    links.add(link);
    whenGone(link, () => links.delete(link));
    if (failing !== null) return failLink(link, failing);
    upstream.connect(target.port, target.host ?? "127.0.0.1");
    let caught: typeof armed = null;
    const spring = (): void => {
      if (caught === null) return;
      failLink(link, caught.fault);
      caught.sprung();
      caught = null;
    };
    client.on("data", (bytes) => {
      if (link.hasFailed || swallowed.has("toServer")) return;
      if (armed !== null && bytes.includes(armed.request)) [caught, armed] = [armed, null];
      if (caught?.moment === "beforeServer") return spring();
      upstream.write(bytes);
      if (caught?.moment === "underway") spring();
    });
    upstream.on("data", (bytes) => {
      if (link.hasFailed || swallowed.has("toClient")) return;
      if (caught !== null) spring();
      if (link.delayed !== null) link.delayed.push(bytes);
      else if (!link.hasFailed) client.write(bytes);
    });
  });
  const port = await listening(server);

  return {
    port,
    get connections() {
      return [...links].filter(({ client }) => !client.destroyed).length;
    },
    ambush: (ambush) =>
      new Promise((sprung) => {
        armed = { ...ambush, sprung };
      }),
    fail(fault) {
      failing = fault;
      for (const link of links) failLink(link, fault);
    },
    swallow: (direction) => void swallowed.add(direction),
    heal() {
      failing = null;
      swallowed.clear();
      for (const link of links) {
        for (const bytes of link.delayed ?? []) link.client.write(bytes);
        link.delayed = null;
      }
    },
    redirect(to) {
      target = to;
      for (const { client } of links) client.resetAndDestroy();
    },
    async stop() {
      for (const { client, upstream } of links) for (const half of [client, upstream]) half.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function failLink(link: Link, fault: LinkFault): void {
  if (fault === "delay") {
    link.delayed ??= [];
    return;
  }
  link.hasFailed = true;
  if (fault === "close") link.client.end();
  if (fault === "reset") link.client.resetAndDestroy();
}

/** One half that ends takes the other with it, unless their link has failed: then neither hears of the other. */
function whenGone(link: Link, onGone: () => void): void {
  const { client, upstream } = link;
  for (const [half, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    // Its end says the same, and comes after it.
    half.on("error", () => half.destroy());
    half.once("close", () => {
      if (!link.hasFailed) other.destroy();
      if (client.destroyed && (upstream.destroyed || upstream.pending)) onGone();
    });
  }
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("the proxy has no port"));
      else resolve(address.port);
    });
  });
}
