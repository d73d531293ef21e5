/**
 * What a new home holds: files that explain themselves, and change nothing as they stand. A test reads each of them with
 * the parser that will.
 */

export interface HomeFile {
  /** Meant from the home. */
  readonly name: string;
  /** What it is for, in a few words. */
  readonly purpose: string;
  readonly text: string;
}

const SETTINGS = `# What this server must know before it can read the rest from the shared schema. Every line is optional: as it stands,
# this is a node of one server with an embedded database and an embedded NATS server. \`castellan doctor\` checks it.

# Name of the node: 1-24 letters, digits, underscores; the same on every server of the node.
# node: castellan

# Name of this server: lower-case letters, digits, - and _. Default: the host's name.
# server: hades

# A NATS server with JetStream. Default: one is started on loopback, with its store in data/.
# nats:
#   url: nats://127.0.0.1:4222
#   credentials: etc/sentinel.creds
#   tls: { ca: etc/ca.pem, cert: etc/client.pem, key: etc/client.key }
# Or, on each of several servers: one is started here too, as a member of a cluster (see deploy/examples/02-cluster).
# nats:
#   listen: hades:4222
#   tls: { ca: etc/trust/ca.pem, cert: etc/trust/server.pem, key: etc/trust/server.pem }  # \`castellan cert\` makes them
#   cluster: { listen: "hades:6222", routes: ["nats://zeus:6222", "nats://hera:6222"] }

# The shared schema. Default: SQLite in data/. The password stands in a file of its own, never here.
# database:
#   url: postgres://castellan@db:5432/ips1
#   passwordFile: etc/db.password

# On a node of several servers: switches a lost one off, so that its foreground processes may be started elsewhere although nobody can
# ask it. Run once, by the master, when waiting cannot make that certain. Exit code 0 = it is certainly off.
# fenceCommand: [ipmitool, -H, "{server}-bmc", -U, castellan, -f, etc/bmc.password, chassis, power, "off"]
`;

const FSPART = `# File systems to watch: PATH [MINIMUM [WARNING]], for example
#   /var/lib/app  2G  5G
#   /             5%
# Without a minimum, MINFREEKB (10000 KB) must be free. Changes are seen within seconds.
.
`;

const TYPES = `# What should run, and where. Nothing does yet: take the # away, change it, then \`castellan apply etc/types.yaml\`.
# The first \`castellan up\` of a node applies this file by itself.

types: {}
#  WEB:                                       # 1-10 letters, digits, underscores
#    command: [node, server.mjs, "{instance}"] # an argument vector, never a shell
#    cwd: app                                 # from this home
#    env: { PORT: "808{instance}" }
#    dependsOn: [STORE]                       # starts when all STOREs are ready
#    ready: { http: "http://127.0.0.1:808{instance}/health", timeout: 30s }  # or tcp:, exec:, logLine:, none
#    stop: { signal: SIGTERM, grace: 10s }
#  STORE:
#    command: [redis-server, --port, "6379"]
#    ready: { tcp: 6379 }

servers: {}
#  master: { STORE: 1, WEB: 2 }               # a server's name, or "master": how many of each type
`;

export const SETTINGS_FILE: HomeFile = { name: "castellan.yaml", purpose: "this server's settings", text: SETTINGS };
export const FSPART_FILE: HomeFile = { name: "fspart", purpose: "file systems to watch", text: FSPART };
export const TYPES_FILE: HomeFile = { name: "etc/types.yaml", purpose: "what should run", text: TYPES };
