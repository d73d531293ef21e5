/**
 * Loaded into one command (`node --import=FILE?COMMAND+AT`): it is killed with SIGKILL at one of the steps that others can see: before or
 * after a commit, a file that gets its name, a signal, a program that is started. AT: which step, from 1; `end:N`: which of the steps of its
 * commits (two each) after it has sent somebody a signal. Programs that it starts are left alone. The product knows nothing of it.
 */
import childProcess from "node:child_process";
import fs from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";

const [command, at] = decodeURIComponent(new URL(import.meta.url).search.slice(1)).split(" ");
if (process.argv.slice(2).includes(command)) setTrap();

/** What kind of step a call is; null: none. */
function always(kind) {
  return () => kind;
}

function commitIn(sql) {
  return typeof sql === "string" && /^(COMMIT|SELECT castellan_commit)/.test(sql) ? "commit" : null;
}

function setTrap() {
  const requireOfStore = createRequire(new URL("../../packages/store/package.json", import.meta.url));
  const Database = requireOfStore("better-sqlite3");
  const { Client } = requireOfStore("pg");
  const kill = process.kill.bind(process);
  let steps = 0;
  let hasSignalled = false;
  const isCounted = (kind) => !at.startsWith("end:") || (hasSignalled && kind === "commit");

  const step = (kind) => {
    if (isCounted(kind)) steps += 1;
    if (steps === Number(at.replace("end:", ""))) kill(process.pid, "SIGKILL");
    if (kind === "signal") hasSignalled = true;
  };
  /** Before and after; a promise, when it is fulfilled. */
  const around = (object, name, kindOf) => {
    const act = object[name];
    object[name] = function (...args) {
      const kind = kindOf(...args);
      if (kind === null) return act.apply(this, args);
      step(kind);
      const result = act.apply(this, args);
      if (typeof result?.then !== "function") step(kind);
      return typeof result?.then !== "function" ? result : result.then((value) => (step(kind), value));
    };
  };

  around(Database.prototype, "exec", commitIn);
  const { prepare } = Database.prototype;
  Database.prototype.prepare = function (sql) {
    const statement = prepare.call(this, sql);
    if (commitIn(sql) !== null) around(statement, "run", always("commit"));
    return statement;
  };
  around(Client.prototype, "query", commitIn);
  for (const name of ["renameSync", "linkSync"]) around(fs, name, always("file"));
  for (const name of ["rename", "link"]) around(fs.promises, name, always("file"));
  around(process, "kill", (_, signal) => (signal === 0 ? null : "signal"));
  around(childProcess, "spawn", always("program"));
  syncBuiltinESMExports();
}
