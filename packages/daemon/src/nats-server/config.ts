/** The configuration of the embedded nats-server: loopback only, JetStream synced on every write. */

export interface NatsServerConfig {
  readonly port: number;
  readonly storeDirectory: string;
  readonly pidFile: string;
  readonly serverName: string;
}

/** JetStream may keep this much on disk, bytes. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024;

/** JSON strings are valid strings of the server's own grammar. */
export function natsServerConfig({ port, storeDirectory, pidFile, serverName }: NatsServerConfig): string {
  return `# written at every start; changes here are lost
listen: "127.0.0.1:${port}"
server_name: ${JSON.stringify(serverName)}
pid_file: ${JSON.stringify(pidFile)}
max_payload: 1048576
ping_interval: "2s"
ping_max: 2
write_deadline: "2s"
jetstream {
  store_dir: ${JSON.stringify(storeDirectory)}
  max_file_store: ${MAX_FILE_BYTES}
  sync_interval: always
}
`;
}
