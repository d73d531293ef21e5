/**
 * What the example's programs have in common. They know only their own server: what they share lies in var/ of its home, and
 * they talk over sockets there, a line each way.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";

// What types.yaml says behind the program's file: its type, its number, its server, and a listener's port.
const [type = "PROGRAM", number = "1", place = hostname(), portNumber = "0"] = process.argv.slice(2);
export const instance = Number(number);
export const server = place;
export const port = Number(portNumber);
export const now = () => new Date();

mkdirSync("var", { recursive: true });

export function log(text) {
  process.stdout.write(`${now().toISOString()} ${type} ${number} ${text}\n`);
}

/** Ends the program with a reason that the operator reads in `castellan status`. */
export function giveUp(reason) {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

const closers = [];
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    log("stopping");
    for (const close of closers) close();
    process.exit(0);
  });
}

export function every(ms, act) {
  const round = async () => {
    try {
      await act();
    } catch (problem) {
      log(problem.message);
    }
  };
  setInterval(round, ms);
}

const socketOf = (name) => join("var", `${name}.sock`);

/** Answers each line with what `answer` returns, over `var/NAME.sock`. Resolves when it can be asked. */
export function serve(name, answer) {
  const path = socketOf(name);
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.setEncoding("utf8");
    socket.on("error", () => socket.destroy());
    socket.on("data", async (line) => {
      socket.end(`${JSON.stringify(await answer(...line.trim().slice(0, 1000).split(" ")))}\n`);
    });
  });
  server.once("error", (problem) => giveUp(`${path}: ${problem.message}`));
  closers.push(() => rmSync(path, { force: true }));
  return new Promise((resolve) => server.listen(path, resolve));
}

/** Asks a program of the same server. Rejects when there is none, or it says nothing for a second. */
export function ask(name, line) {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(socketOf(name), () => socket.write(`${line}\n`));
    socket.setEncoding("utf8");
    socket.setTimeout(1000, () => socket.destroy(new Error(`${name} does not answer`)));
    socket.on("data", (part) => (text += part));
    socket.once("error", reject);
    socket.once("end", () => resolve(JSON.parse(text || "null")));
  });
}

/** A directory of small JSON files that programs hand to each other. */
export function box(name, most = 100) {
  const directory = join("var", name);
  mkdirSync(directory, { recursive: true });
  const names = () =>
    readdirSync(directory)
      .filter((file) => file.endsWith(".json"))
      .sort();
  return {
    names,
    read: (file) => JSON.parse(readFileSync(join(directory, file), "utf8")),
    /** False when it is full. */
    put(value) {
      if (names().length >= most) return false;
      const file = join(directory, `${now().getTime()}-${process.pid}`);
      writeFileSync(`${file}.new`, JSON.stringify(value));
      renameSync(`${file}.new`, `${file}.json`);
      return true;
    },
    /** The oldest, removed; null when there is none, or another was faster. */
    take() {
      const [file] = names();
      if (file === undefined) return null;
      const mine = join(directory, `${file}.${process.pid}`);
      try {
        renameSync(join(directory, file), mine);
      } catch {
        return null;
      }
      const value = JSON.parse(readFileSync(mine, "utf8"));
      rmSync(mine);
      return value;
    },
  };
}
