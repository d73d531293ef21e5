/** The ways to ask a process whether it is ready. */
import { type ChildProcess, spawn } from "node:child_process";
import { get as httpGet } from "node:http";
import { get as httpsGet } from "node:https";
import { connect } from "node:net";
import { ensureError, systemCode } from "@castellan/kernel";
import type { Readiness } from "@castellan/protocol";
import { createLogProbe } from "./log-probe.ts";
import type { MadeProbe, Probe, ProbeContext } from "./probe.ts";

const made = (probe: Probe): MadeProbe => ({ ok: true, probe });

/** A definition that can never be fulfilled is told at once. */
export function createProbe(spec: Exclude<Readiness, { none: true }>, context: ProbeContext): MadeProbe {
  if ("tcp" in spec) return tcpProbe(context.fill(String(spec.tcp)));
  if ("http" in spec) return httpProbe(context.fill(spec.http));
  if ("exec" in spec) return made(execProbe(spec.exec.map(context.fill), context));
  return createLogProbe(spec.logLine, context.logFile, context.logOffset);
}

/** `9100` or `host:9100`; the host is the loopback address when absent. */
function tcpProbe(target: string): MadeProbe {
  const match = /^(?:(.*):)?(\d{1,5})$/.exec(target);
  const port = Number(match?.[2]);
  if (match === null || port < 1 || port > 65_535)
    return { ok: false, reason: `"${target}" is not a port or host:port` };
  const host = match[1]?.replace(/^\[(.*)\]$/, "$1") ?? "127.0.0.1";
  return made(
    (signal) =>
      new Promise((resolve) => {
        const socket = connect({ host, port });
        const end = (why: string | null): void => {
          signal.removeEventListener("abort", late);
          socket.destroy();
          resolve(why);
        };
        const late = (): void => end(`no answer on ${host}:${port}`);
        signal.addEventListener("abort", late, { once: true });
        socket.once("connect", () => end(null));
        socket.on("error", (error) =>
          end(`nothing listens on ${host}:${port} (${systemCode(error) ?? error.message})`),
        );
        if (signal.aborted) late();
      }),
  );
}

function httpProbe(text: string): MadeProbe {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { ok: false, reason: `"${text}" is not a URL` };
  }
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return { ok: false, reason: `"${text}" is not http or https` };
  const get = url.protocol === "https:" ? httpsGet : httpGet;
  return made(
    (signal) =>
      new Promise((resolve) => {
        try {
          const request = get(url, { agent: false, signal }, (response) => {
            const status = response.statusCode ?? 0;
            response.on("error", () => undefined); // the answer is in the head; the body is thrown away
            response.destroy();
            resolve(status >= 200 && status < 400 ? null : `${text} answers ${status}`);
          });
          request.on("error", (error) =>
            resolve(signal.aborted ? `no answer from ${text}` : `${text}: ${systemCode(error) ?? error.message}`),
          );
        } catch (thrown) {
          resolve(ensureError(thrown).message);
        }
      }),
  );
}

/** Exit code 0 is yes. The command leads its own group and is killed as a group when its time is up. */
function execProbe([program = "", ...args]: readonly string[], { cwd, env }: ProbeContext): Probe {
  return async (signal) => {
    let child: ChildProcess;
    try {
      child = spawn(program, args, { cwd, env, detached: true, stdio: "ignore" });
    } catch (thrown) {
      return `"${program}" cannot be run: ${ensureError(thrown).message}`;
    }
    return await new Promise((resolve) => {
      const end = (why: string | null): void => {
        signal.removeEventListener("abort", late);
        resolve(why);
      };
      const late = (): void => {
        if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killGroup(child.pid);
        end(`"${program}" did not end in time`);
      };
      child.on("error", (error) => end(`"${program}" cannot be run: ${systemCode(error) ?? error.message}`));
      child.once("exit", (code, killedBy) =>
        end(code === 0 ? null : `"${program}" ended with ${killedBy ?? `exit code ${code}`}`),
      );
      signal.addEventListener("abort", late, { once: true });
      if (signal.aborted) late();
    });
  };
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch (thrown) {
    if (systemCode(thrown) !== "ESRCH") throw thrown;
  }
}
