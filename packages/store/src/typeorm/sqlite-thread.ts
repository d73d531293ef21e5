/**
 * The program of the thread that has a SQLite file open for a sentinel (`sqlite-apart.ts`): one request after the other. What
 * waits for the disk waits here.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { Connection } from "./connection.ts";
import { openSqlite } from "./sqlite-connection.ts";
import {
  faultOf,
  parseThreadStart,
  type ThreadAnswer,
  type ThreadRequest,
  type ThreadStart,
} from "./sqlite-message.ts";

let connection: Connection | null = null;

const open = ({ path, mustExist }: ThreadStart): Connection => openSqlite(path, { mustExist });

async function answerTo(request: ThreadRequest): Promise<ThreadAnswer> {
  if (request.what === "close") {
    await connection?.close();
    return { kind: "done" };
  }
  connection ??= open(parseThreadStart(workerData));
  switch (request.what) {
    case "open":
      return { kind: "done" };
    case "read":
      return { kind: "rows", rows: await connection.read(request.statement) };
    case "commit":
      return { kind: "touched", touched: await connection.commit(request.statements) };
  }
}

parentPort?.on("message", (request: ThreadRequest) => {
  void answerTo(request)
    .catch((thrown: unknown): ThreadAnswer => ({ kind: "fault", fault: faultOf(thrown) }))
    .then((answer) => {
      parentPort?.postMessage(answer, []);
      // Nothing comes after it: without a port to listen to the thread ends by itself.
      if (request.what === "close") parentPort?.close();
    });
});
