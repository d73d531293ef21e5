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

const NatsUrl = z
  .string()
  .regex(/^(nats|tls|ws|wss):\/\/[^\s/]+/, "write a NATS address, for example nats://127.0.0.1:4222");

const DatabaseUrl = z
  .string()
  .regex(
    /^(sqlite:.+|(postgres|postgresql|mssql|oracle):\/\/.+)$/,
    "write a database address: sqlite:PATH, postgres://, mssql:// or oracle://",
  );

/** What the file may hold; any other key is a mistake and is named. */
export const HomeConfig = z.strictObject({
  /** Default: `castellan`. */
  node: NodeName.optional(),
  /** Default: the host's name. */
  server: ServerName.optional(),
  /** Absent: an embedded server on loopback. */
  nats: z
    .strictObject({
      url: NatsUrl,
      /** File with a NATS user's credentials. */
      credentials: path.optional(),
      tls: z.strictObject({ ca: path.optional(), cert: path.optional(), key: path.optional() }).optional(),
    })
    .optional(),
  /** Absent: SQLite in `data/`. */
  database: z.strictObject({ url: DatabaseUrl, passwordFile: path.optional() }).optional(),
});
export type HomeConfig = z.infer<typeof HomeConfig>;
