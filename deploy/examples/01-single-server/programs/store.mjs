/**
 * STORE: keys and lists in memory, saved to a file every few seconds and at the end. Speaks enough of the Redis protocol
 * for `redis-cli` and for the other programs: PING GET SET INCR DEL LPUSH RPOP LLEN KEYS.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { listen, log, numberFrom, onStop } from "./program.mjs";

const MAX_KEYS = 10_000;
const MAX_LIST = 10_000;
const MAX_REQUEST_BYTES = 64 * 1024;
const SAVE_MS = 5000;

const port = numberFrom("STORE_PORT", 28_080);
const file = process.env.STORE_FILE ?? "var/store.json";
const values = load();
let dirty = false;

const COMMANDS = {
  ping: () => "+PONG\r\n",
  get: (key) => bulk(typeof values.get(key) === "string" ? values.get(key) : null),
  set: (key, value = "") => put(key, value, "+OK\r\n"),
  incr(key) {
    const next = Number(values.get(key) ?? 0) + 1;
    return Number.isSafeInteger(next) ? put(key, String(next), `:${next}\r\n`) : error("not a number");
  },
  del(key) {
    dirty = true;
    return `:${values.delete(key) ? 1 : 0}\r\n`;
  },
  lpush(key, value = "") {
    const list = [value, ...listOf(key)].slice(0, MAX_LIST);
    return put(key, list, `:${list.length}\r\n`);
  },
  rpop(key) {
    const list = listOf(key);
    const last = list.at(-1) ?? null;
    if (last !== null) put(key, list.slice(0, -1), "");
    return bulk(last);
  },
  llen: (key) => `:${listOf(key).length}\r\n`,
  keys: () => `*${values.size}\r\n${[...values.keys()].map(bulk).join("")}`,
};

function put(key, value, answer) {
  if (!values.has(key) && values.size >= MAX_KEYS) return error("full");
  values.set(key, value);
  dirty = true;
  return answer;
}

const listOf = (key) => (Array.isArray(values.get(key)) ? values.get(key) : []);
const bulk = (text) => (text === null ? "$-1\r\n" : `$${Buffer.byteLength(text)}\r\n${text}\r\n`);
const error = (text) => `-ERR ${text}\r\n`;

function answer([name = "", ...args]) {
  const command = Object.hasOwn(COMMANDS, name.toLowerCase()) ? COMMANDS[name.toLowerCase()] : null;
  if (command === null) return error(`unknown command '${name.slice(0, 32)}'`);
  return command.length > 0 && args.length === 0 ? error("a key is missing") : command(...args);
}

/** One request from the front of the buffer: `*2\r\n$3\r\nget\r\n$1\r\nx\r\n`, or a plain line; null = not all there yet. */
function take(buffer) {
  const lineEnd = buffer.indexOf("\r\n");
  if (lineEnd < 0) return null;
  const line = buffer.toString("utf8", 0, lineEnd);
  if (!line.startsWith("*")) return { words: line.split(/\s+/).filter(Boolean), used: lineEnd + 2 };
  const words = [];
  let at = lineEnd + 2;
  for (let left = countOf(line.slice(1)); left > 0; left -= 1) {
    const end = buffer.indexOf("\r\n", at);
    const length = end < 0 ? 0 : countOf(buffer.toString("utf8", at + 1, end));
    if (end < 0 || buffer.length < end + length + 4) return null;
    words.push(buffer.toString("utf8", end + 2, end + 2 + length));
    at = end + length + 4;
  }
  return { words, used: at };
}

function countOf(text) {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new Error("not the protocol of this server");
}

const connections = new Set();
const server = createServer((socket) => {
  let buffer = Buffer.alloc(0);
  connections.add(socket);
  socket.on("close", () => connections.delete(socket));
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    try {
      for (let request = take(buffer); request !== null; request = take(buffer)) {
        buffer = buffer.subarray(request.used);
        if (request.words.length > 0) socket.write(answer(request.words));
      }
    } catch (problem) {
      socket.end(error(problem.message));
    }
    if (buffer.length > MAX_REQUEST_BYTES) socket.destroy();
  });
});

function load() {
  try {
    return new Map(Object.entries(JSON.parse(readFileSync(file, "utf8"))));
  } catch (problem) {
    if (problem.code !== "ENOENT") log(`${file} cannot be read, beginning empty: ${problem.message}`);
    return new Map();
  }
}

function save() {
  if (!dirty) return;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(values)));
    renameSync(`${file}.new`, file);
    dirty = false;
  } catch (problem) {
    log(`not saved, trying again: ${problem.message}`);
  }
}

await listen(server, port);
log(`listening on port ${port} with ${values.size} keys`);
setInterval(save, SAVE_MS);
onStop(() => {
  server.close();
  for (const socket of connections) socket.destroy();
  save();
});
