/** Talks to the store. When the store is away, what is asked meanwhile fails, and the next question connects again. */
import { connect } from "node:net";

const ANSWER_MS = 2000;

export function createStoreClient(port) {
  let connection = null;
  const open = () => {
    if (connection !== null && !connection.socket.destroyed) return connection;
    const waiting = [];
    const socket = connect({ host: "127.0.0.1", port });
    let buffer = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      for (let reply = take(buffer); reply !== null; reply = take(buffer)) {
        buffer = buffer.subarray(reply.used);
        waiting.shift()?.(reply.value);
      }
    });
    const lost = () => {
      for (const settle of waiting.splice(0)) settle(new Error("the store cannot be reached"));
    };
    socket.on("error", () => socket.destroy());
    socket.on("close", lost);
    connection = { socket, waiting };
    return connection;
  };
  return {
    /** `ask("get", "visits")`: a string, a number, or null. */
    ask: (...words) =>
      new Promise((resolve, reject) => {
        const { socket, waiting } = open();
        const timer = setTimeout(() => socket.destroy(), ANSWER_MS);
        waiting.push((value) => {
          clearTimeout(timer);
          if (value instanceof Error) reject(value);
          else resolve(value);
        });
        socket.write(
          `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`,
        );
      }),
    close: () => connection?.socket.destroy(),
  };
}

/** One reply from the front of the buffer; null = not all there yet. */
function take(buffer) {
  const end = buffer.indexOf("\r\n");
  if (end < 0) return null;
  const line = buffer.toString("utf8", 1, end);
  const used = end + 2;
  switch (String.fromCharCode(buffer[0])) {
    case "+":
      return { value: line, used };
    case ":":
      return { value: Number(line), used };
    case "-":
      return { value: new Error(line), used };
    default: {
      const length = Number(line);
      if (length < 0) return { value: null, used };
      if (buffer.length < used + length + 2) return null;
      return { value: buffer.toString("utf8", used, used + length), used: used + length + 2 };
    }
  }
}
