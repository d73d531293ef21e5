/**
 * `castellan.yaml`: the few settings a server must know before it can read the rest from the shared schema. Everything is
 * optional; an empty file means a node of one server with an embedded database and an embedded NATS server.
 */
import { z } from "zod";
import { NodeName, ServerName } from "./names.ts";

const path = z
  .string()
  .min(1)
  .max(4096)
  .refine((value) => !/\p{Cc}/u.test(value), "holds a control character: no file of yours has one in its name");

const ONE_NATS_URL = String.raw`(?:nats|tls|ws|wss)://[^\s/,]+`;
const NatsUrl = z
  .string()
  .regex(
    new RegExp(`^${ONE_NATS_URL}(?:,${ONE_NATS_URL})*$`),
    "write NATS addresses, for example nats://127.0.0.1:4222, several with commas between them",
  );

/** `HOST:PORT`, an IPv6 address in brackets. */
const ListenAddress = z
  .string()
  .regex(/^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):\d{1,5}$/, "write HOST:PORT, for example 10.0.0.5:4222")
  .refine((address) => isPort(address), "a port is a number from 1 to 65535");

/** The others must reach the address that a member tells them. */
const ReachableAddress = ListenAddress.refine(
  (address) => !/^(?:0\.0\.0\.0|\[::\]):/.test(address),
  "write the address by which the other servers reach this one",
);

const RouteUrl = z
  .string()
  .regex(/^nats:\/\/[^\s/,@]+:\d{1,5}$/, "write the cluster address of a server, for example nats://10.0.0.6:6222")
  .refine((address) => isPort(address), "a port is a number from 1 to 65535");

function isPort(address: string): boolean {
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  return port >= 1 && port <= 65_535;
}

const Nats = z
  .strictObject({
    /** A bus that others keep: one address or several, separated by commas. */
    url: NatsUrl.optional(),
    /** File with a NATS user's credentials. */
    credentials: path.optional(),
    /** Whom to believe, and what to show. The server that is kept shows it too, to clients and members, and lets nobody in without. */
    tls: z
      .strictObject({
        ca: path.optional(),
        cert: path.optional(),
        key: path.optional(),
        /** That the server's certificate must carry. Default: the host of its address. */
        name: z.string().min(1).max(253).optional(),
      })
      .optional(),
    /** Where the NATS server that this sentinel keeps takes clients. */
    listen: ReachableAddress.optional(),
    /**
     * That server is a member of the node's NATS cluster; `routes`: members that it looks for first, none for the first of them;
     * `joins`: others have founded the cluster, and this one never does, though its store be lost (`castellan join` writes it).
     */
    cluster: z
      .strictObject({ listen: ReachableAddress, routes: z.array(RouteUrl).max(64), joins: z.boolean().optional() })
      .optional(),
  })
  .superRefine(({ url, listen, cluster, credentials, tls }, context) => {
    const refuse = (key: string, message: string): void =>
      context.addIssue({ code: "custom", path: key.split("."), message });
    if (url === undefined && listen === undefined)
      refuse("url", "write url (a bus of your own) or listen (one is kept)");
    if (url !== undefined && listen !== undefined) refuse("listen", "url and listen exclude each other");
    if (cluster !== undefined && listen === undefined) refuse("cluster", "a server of a cluster needs nats.listen");
    if (url !== undefined) return;
    if (credentials !== undefined) refuse("credentials", "only with url: the server that is kept knows no users");
    if (tls !== undefined && (tls.ca === undefined || tls.cert === undefined || tls.key === undefined))
      refuse("tls", "the server that is kept needs all three: ca, cert and key (`castellan cert init` makes them)");
    if (tls?.name !== undefined)
      refuse("tls.name", "only with url: the servers of a node have a name in common already");
  });

const DatabaseUrl = z
  .string()
  .regex(
    /^(sqlite:.+|(postgres|postgresql|mssql|oracle):\/\/.+)$/,
    "write a database address: sqlite:PATH, postgres://, mssql:// or oracle://",
  );

const isDistinct = (names: readonly string[]): boolean => new Set(names).size === names.length;

/** What the file may hold; any other key is a mistake and is named. */
export const HomeConfig = z.strictObject({
  /** Default: `castellan`. */
  node: NodeName.optional(),
  /** Default: the host's name. */
  server: ServerName.optional(),
  /** The home of several servers on one machine: each has a home of its own below this one, named after it. */
  servers: z.array(ServerName).min(2).max(9).refine(isDistinct, "a server is named twice").optional(),
  /** Absent: an embedded server on loopback. */
  nats: Nats.optional(),
  /** Absent: SQLite in `data/`. */
  database: z.strictObject({ url: DatabaseUrl, passwordFile: path.optional() }).optional(),
  /** Makes certain that a lost server runs nothing: an argument vector, never a shell; `{server}` is replaced. */
  fenceCommand: z.array(z.string().max(4096)).min(1).max(64).optional(),
});
export type HomeConfig = z.infer<typeof HomeConfig>;
