/** What `init` and `join` are told about a server, as the settings of its home. */
import { existsSync } from "node:fs";
import { CastellanError } from "@castellan/kernel";
import { loadConfigFile, parseConfig } from "@castellan/kernel/config";
import { HomeConfig } from "@castellan/protocol";

export interface InstallOptions {
  readonly node?: string;
  readonly server?: string;
  readonly database?: string;
  readonly passwordFile?: string;
  /** `HOST:PORT` at which clients and other servers reach the NATS server that is kept. */
  readonly listen?: string;
  /** `HOST:PORT` at which the NATS servers of the node meet. */
  readonly cluster?: string;
  /** A bus that others keep. */
  readonly bus?: string;
  /** A directory with the certificates of this server. */
  readonly trust?: string;
}

/** Throws USAGE, or CONFIG_INVALID with everything that is wrong. */
export function configOf(options: InstallOptions, routes: readonly string[] = []): HomeConfig {
  const { node, server, database, passwordFile, listen, cluster, bus } = options;
  if (cluster !== undefined && listen === undefined) {
    throw new CastellanError("USAGE", "--cluster needs --listen: where the others' clients reach this server's bus");
  }
  if (passwordFile !== undefined && database === undefined) {
    throw new CastellanError("USAGE", "--password-file needs --database");
  }
  const nats =
    bus !== undefined || listen !== undefined
      ? {
          ...(bus !== undefined && { url: bus }),
          ...(listen !== undefined && { listen }),
          ...(cluster !== undefined && { cluster: { listen: cluster, routes } }),
        }
      : undefined;
  const given = {
    ...(node !== undefined && { node }),
    ...(server !== undefined && { server }),
    ...(nats !== undefined && { nats }),
    ...(database !== undefined && {
      database: { url: database, ...(passwordFile !== undefined && { passwordFile }) },
    }),
  };
  return parseConfig(JSON.stringify(given), "the command line", HomeConfig);
}

/** The settings that a home has already; none in a new one. */
export function configIn(file: string): HomeConfig {
  return existsSync(file) ? loadConfigFile(file, HomeConfig) : {};
}
