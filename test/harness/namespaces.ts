/**
 * A local network of a test's own: hosts that are network namespaces of this machine, each with its own address, joined by a
 * bridge in one more. Nothing reaches out of it. A link is cut at the bridge, so both ends lose it as with a pulled cable; one
 * direction is lost by sending to a card that nobody has, so the sender notices nothing.
 *
 * N1 Names begin with the id of the process that made them: what a killed test has left is removed by the next one.
 * N2 Addresses are of 198.18.0.0/15, which is routed nowhere (RFC 2544).
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { basename } from "node:path";
import { ensureError } from "@castellan/kernel";

export interface Host {
  readonly name: string;
  readonly address: string;
  /** What a command begins with to run there; it becomes the command, under the same process id. */
  readonly through: readonly string[];
  /** Nothing comes or goes. */
  cut(): void;
  /** What it sends is lost; it still hears the others. */
  mute(): void;
  /** What the others send to it is lost; they still hear it. */
  deafen(): void;
  heal(): void;
}

export interface Lan {
  /** Those named at the beginning. Throws for another name. */
  host(name: string): Host;
  /** This machine itself, as one more of them. */
  readonly here: Host;
  remove(): void;
}

const NAMESPACES = "/run/netns";
const PREFIX = "castellan-";
/** Locally administered, and nobody's. */
const NOBODY = "02:00:00:00:00:01";
const HERE = "here";

let lans = 0;

const ip = (...args: string[]): string =>
  execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** Why there can be none here; undefined when there can. */
export function whyNoLan(): string | undefined {
  if (process.getuid?.() !== 0) return "only root may make network namespaces";
  const probe = `${PREFIX}${process.pid}-probe`;
  try {
    ip("netns", "add", probe);
    ip("netns", "del", probe);
    return undefined;
  } catch (thrown) {
    return `network namespaces cannot be made (iproute2 is needed): ${ensureError(thrown).message.split("\n", 1)[0]}`;
  }
}

/** One end of a cable, and where it is plugged in. */
interface Plug {
  readonly name: string;
  readonly address: string;
  readonly card: string;
  /** At the bridge. */
  readonly port: string;
  /** Null for this machine itself. */
  readonly space: string | null;
}

/** Throws where namespaces cannot be made: ask `whyNoLan` first to skip with a reason. */
export function makeLan(names: readonly string[]): Lan {
  sweep();
  lans += 1;
  const own = `${PREFIX}${process.pid}-${lans}-`;
  const bridge = `${own}lan`;
  const network = networkOf();
  const plugs = [...names, HERE].map((name, at) => ({
    name,
    address: `${network}.${at + 1}`,
    card: name === HERE ? `ca${process.pid}x${lans}` : "eth0",
    port: `port${at}`,
    space: name === HERE ? null : `${own}${name}`,
  }));
  const made: string[] = [];
  const remove = (): void => {
    for (const one of made.splice(0).reverse()) ip("netns", "del", one);
  };
  const add = (one: string): void => {
    ip("netns", "add", one);
    made.push(one);
  };
  try {
    add(bridge);
    ip("-n", bridge, "link", "add", "br0", "type", "bridge", "forward_delay", "0");
    ip("-n", bridge, "link", "set", "br0", "up");
    for (const plug of plugs) {
      if (plug.space !== null) add(plug.space);
      plugIn(bridge, plug);
    }
  } catch (thrown) {
    remove();
    throw thrown;
  }
  const hosts = new Map(plugs.map((plug) => [plug.name, hostOf(bridge, plug, plugs)]));
  const host = (name: string): Host => {
    const found = hosts.get(name);
    if (found === undefined) throw new Error(`there is no host ${name}`);
    return found;
  };
  return { host, here: host(HERE), remove };
}

function plugIn(bridge: string, plug: Plug): void {
  const { address, card, port, space } = plug;
  ip("-n", bridge, "link", "add", port, "type", "veth", "peer", "name", card, "netns", space ?? String(process.pid));
  ip("-n", bridge, "link", "set", port, "master", "br0", "up");
  if (space !== null) ip(...within(plug), "link", "set", "lo", "up");
  ip(...within(plug), "addr", "add", `${address}/24`, "dev", card);
  ip(...within(plug), "link", "set", card, "up");
}

function hostOf(bridge: string, plug: Plug, all: readonly Plug[]): Host {
  const { name, address, port, space } = plug;
  const others = all.filter((other) => other !== plug);
  const lose = (from: Plug, to: Plug): void => {
    const wrong = ["lladdr", NOBODY, "nud", "permanent", "dev", from.card];
    ip(...within(from), "neigh", "replace", to.address, ...wrong);
  };
  const find = (from: Plug, to: Plug): void => {
    ip(...within(from), "neigh", "flush", "to", to.address, "dev", from.card, "nud", "all");
  };
  return {
    name,
    address,
    through: space === null ? [] : ["nsenter", `--net=${NAMESPACES}/${space}`, "--"],
    cut: () => void ip("-n", bridge, "link", "set", port, "down"),
    mute: () => others.forEach((other) => lose(plug, other)),
    deafen: () => others.forEach((other) => lose(other, plug)),
    heal() {
      ip("-n", bridge, "link", "set", port, "up");
      for (const other of others) {
        find(plug, other);
        find(other, plug);
      }
    },
  };
}

const within = ({ space }: Plug): string[] => (space === null ? [] : ["-n", space]);

/** Removes what killed tests have left. */
function sweep(): void {
  if (!existsSync(NAMESPACES)) return;
  for (const name of readdirSync(NAMESPACES)) {
    const [, pid] = /^castellan-(\d+)-/.exec(basename(name)) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeIfThere(name);
  }
}

/** Another test may be sweeping at the same moment. */
function removeIfThere(name: string): void {
  try {
    ip("netns", "del", name);
  } catch (thrown) {
    if (existsSync(`${NAMESPACES}/${name}`)) throw thrown;
  }
}

/** The first three numbers of a network that no card of this machine is in. */
function networkOf(): string {
  const taken = ip("-4", "-o", "addr", "show");
  for (let at = 0; at < 512; at += 1) {
    const number = (process.pid + at) % 512;
    const network = `198.${18 + (number >> 8)}.${number & 255}`;
    if (!taken.includes(` ${network}.`)) return network;
  }
  throw new Error("no network of 198.18.0.0/15 is free");
}
