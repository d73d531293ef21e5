/**
 * `castellan init [DIR]`: installs the first server of a node. Makes a home with files that explain themselves, and the schema,
 * in which it records what every further server must have in common with this one.
 */
import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  type HomePaths,
  homeFilesIn,
  homePaths,
  initialiseHome,
  isNewHome,
  makeHome,
  SETTINGS_FILE,
} from "@castellan/daemon";
import { CastellanError } from "@castellan/kernel";
import type { HomeConfig, HomeSettings } from "@castellan/protocol";
import { resolveHomeConfig } from "@castellan/protocol/home";
import { trustPaths } from "@castellan/trust";
import { EXIT } from "../exit-code.ts";
import { createStyle } from "../format/style.ts";
import { homeOption } from "../home-option.ts";
import { recordServer } from "../installation/first-server.ts";
import { isLoopback } from "../installation/loopback.ts";
import { withSchema } from "../installation/open-schema.ts";
import { configOf, type InstallOptions } from "../installation/options.ts";
import { settingsText } from "../installation/settings-text.ts";
import { bringTrust, foundTrust, securedBus, trustRootsIn } from "../installation/trust.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";

export interface InitOptions extends InstallOptions {
  /** Only the files of the home: the schema is made by the first `up`. */
  readonly filesOnly?: boolean;
  /** Members of its bus are not to show certificates. */
  readonly plain?: boolean;
}

export const run: Run<[string | undefined, InitOptions]> = async (invocation, directory, options) => {
  const { io, json } = invocation;
  const home = directory === undefined ? invocation.home : resolve(io.cwd, directory);
  const paths = homePaths(home);
  refuseWhatIsThere(paths, homeFilesIn(paths));
  const asked = configOf(absolutePaths(options, io.cwd));
  const founds = hasToFoundTrust(options, asked);
  const chosen = founds || options.trust !== undefined ? securedBus(asked) : asked;
  const settings = resolveHomeConfig(chosen, { home, hostName: io.hostName });
  if (options.trust !== undefined) trustRootsIn(resolve(io.cwd, options.trust), settings);
  // A database that cannot be used, or is another's, leaves no files behind that would be in the way of the next attempt.
  makeHome(paths);
  if (options.filesOnly !== true) await refuseNodeThatIsThere(invocation, settings, asked.node);
  if (options.trust !== undefined) await bringTrust(resolve(io.cwd, options.trust), settings);
  if (founds) await foundTrust(settings, io.hostName);
  if (Object.keys(chosen).length > 0) {
    const text = settingsText("What this server was installed with.", chosen, SETTINGS_FILE.text);
    writeFileSync(paths.config, text, { flag: "wx" });
  }
  const written = initialiseHome(paths, null);
  const files = Object.keys(chosen).length > 0 ? [SETTINGS_FILE, ...written] : written;
  if (options.filesOnly !== true) {
    await withSchema(invocation, settings, "ifEmpty", (ctx) => recordServer(ctx, settings));
  }
  const schema = options.filesOnly === true ? null : settings.database.url;
  if (json) {
    printJson(invocation, {
      home,
      node: settings.node,
      server: settings.server,
      schema,
      files: files.map(({ name }) => name),
    });
    return EXIT.done;
  }
  const style = createStyle(io.outColour);
  const at = homeOption(io, home);
  const widest = Math.max(...files.map(({ name }) => name.length));
  io.out(
    [
      `made a home in ${home}`,
      ...files.map(({ name, purpose }) => `  ${name.padEnd(widest)}  ${style.faint(purpose)}`),
      ...(schema === null
        ? []
        : [`made the schema of node ${settings.node} in ${schema}; ${settings.server} is its first server`]),
      ...(founds
        ? [
            `made the node's authority in ${trustPaths(home).directory}: keep a copy of it where nobody else can read it`,
          ]
        : []),
      "next:",
      "  write into etc/types.yaml what should run",
      `  castellan doctor${at}`,
      `  castellan up${at}`,
      ...(founds
        ? [
            `  castellan cert issue SERVER${at} --address HOST --out DIR     for each server that is to join, with --trust DIR`,
          ]
        : []),
      "",
    ].join("\n"),
  );
  return EXIT.done;
};

/**
 * Where others meet the server, or reach it from their hosts, nobody is let in without a certificate, unless that is wanted. Throws USAGE
 * where it is not clear what is.
 */
function hasToFoundTrust({ trust, plain = false }: InitOptions, { nats }: HomeConfig): boolean {
  const isReached = nats?.cluster !== undefined || (nats?.listen !== undefined && !isLoopback(nats.listen));
  if (plain && trust !== undefined) {
    throw new CastellanError("USAGE", "--plain leaves certificates out, --trust brings them: give one of them");
  }
  if (plain && nats?.listen === undefined) {
    throw new CastellanError("USAGE", "--plain is for a NATS server that others reach: it needs --listen");
  }
  return isReached && trust === undefined && !plain;
}

/** What is meant from here must be found from the home too. */
function absolutePaths(options: InitOptions, cwd: string): InstallOptions {
  const { passwordFile } = options;
  return { ...options, ...(passwordFile !== undefined && { passwordFile: resolve(cwd, passwordFile) }) };
}

/** The schema is made now, when there is none. Throws NODE_EXISTS. */
async function refuseNodeThatIsThere(invocation: Invocation, settings: HomeSettings, asked?: string): Promise<void> {
  await withSchema(invocation, settings, "ifEmpty", async ({ gateway }) => {
    const [[row], servers] = await Promise.all([gateway.find("nodes", { limit: 1 }), gateway.find("node_cluster")]);
    if (row === undefined) return;
    if (asked !== undefined && asked !== row.node_name) {
      throw new CastellanError(
        "NODE_EXISTS",
        `${settings.database.url} holds node ${row.node_name}: ${asked} needs a database of its own`,
        { details: { node: row.node_name } },
      );
    }
    const [known = "NAME", ...more] = servers.map(({ physical_machine_name: name }) => name);
    throw new CastellanError(
      "NODE_EXISTS",
      `${settings.database.url} holds node ${row.node_name} already: to add this server to it, castellan join; ` +
        `to install ${[known, ...more].join(" or ")} again, which it knows, castellan join --server ${known}`,
      { details: { node: row.node_name } },
    );
  });
}

function refuseWhatIsThere(paths: HomePaths, files: readonly string[]): void {
  const { home } = paths;
  if (existsSync(paths.database) && !existsSync(paths.config)) {
    throw new CastellanError(
      "HOME_IN_USE",
      `${paths.database} holds a schema already: nothing was written; to install its server again, castellan join`,
      { details: { home } },
    );
  }
  if (files.length > 0) {
    throw new CastellanError("HOME_IN_USE", `${home} holds ${files.join(", ")} already: nothing was written`, {
      details: { home, files },
    });
  }
  if (!isNewHome(paths))
    throw new CastellanError("HOME_IN_USE", `a node lives in ${home} already: nothing was written`, {
      details: { home },
    });
}
