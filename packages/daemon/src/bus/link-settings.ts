/** How to reach a bus, from settings that name files. Read again for every connection: secrets are exchanged in place. */
import type { connectLink } from "@castellan/actor/nats";
import { readSmallFileSync } from "@castellan/kernel";
import type { NatsSettings } from "@castellan/protocol";

type LinkSettings = Pick<Parameters<typeof connectLink>[0], "servers" | "credentials" | "tls">;

/** Throws what the file system says of a file that cannot be read. */
export function linkSettings({ url, credentials, tls }: NatsSettings): LinkSettings {
  const fileOf = (key: "ca" | "cert" | "key"): Record<string, string> => {
    const path = tls?.[key] ?? null;
    return path === null ? {} : { [key]: textOf(path) };
  };
  return {
    servers: url.split(","),
    ...(credentials === null ? {} : { credentials: textOf(credentials) }),
    ...(tls === null ? {} : { tls: { ...fileOf("ca"), ...fileOf("cert"), ...fileOf("key") } }),
  };
}

/** Certificates and credentials are a few kilobytes. */
const MAX_FILE_BYTES = 1024 * 1024;

const textOf = (path: string): string => readSmallFileSync(path, MAX_FILE_BYTES).toString("utf8");
