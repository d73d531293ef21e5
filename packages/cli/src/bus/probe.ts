/** Whether a NATS server answers, found out without the weight of its client: it speaks first. */
import { connect } from "node:net";

/** Longest wait for the greeting, milliseconds. */
const PROBE_MS = 1000;
const DEFAULT_PORT = 4222;

/** Whether one of the addresses answers. Never rejects. An address that cannot be read reaches nothing. */
export async function probeNats(urls: string, timeoutMs: number = PROBE_MS): Promise<boolean> {
  const answers = urls.split(",").map(async (url) => {
    if (!(await probeOne(url, timeoutMs))) throw new Error("it does not answer");
  });
  return await Promise.any(answers).then(
    () => true,
    () => false,
  );
}

function probeOne(url: string, timeoutMs: number): Promise<boolean> {
  const address = addressOf(url);
  if (address === null) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(address);
    const done = (answers: boolean) => (): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.setTimeout(timeoutMs, done(false));
    socket.once("error", done(false));
    socket.once("close", done(false));
    socket.once("data", (greeting) => done(greeting.subarray(0, 5).toString("latin1") === "INFO ")());
  });
}

function addressOf(url: string): { host: string; port: number } | null {
  try {
    const { hostname, port } = new URL(url);
    return { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? DEFAULT_PORT : Number(port) };
  } catch {
    return null;
  }
}
