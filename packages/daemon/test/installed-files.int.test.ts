import { mkdirSync, writeFileSync } from "node:fs";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { homePaths, makeHome } from "../src/home-paths.ts";
import { installedFiles } from "../src/installation/installed-files.ts";

let temp: TempHome;
beforeEach(async () => {
  temp = await tempHome();
  makeHome(homePaths(temp.dir));
  mkdirSync(temp.path("data/nats"));
  for (const name of ["castellan.yaml", "data/node.db"]) writeFileSync(temp.path(name), "");
});
afterEach(() => temp.remove());

const removed = (keeps: string | null, keepsAuthority = false) =>
  installedFiles(homePaths(temp.dir), { keeps, keepsAuthority }).map((path) => path.slice(temp.dir.length + 1));

const trustOf = (keepsAuthority: boolean) => removed(null, keepsAuthority).filter((path) => path.startsWith("etc"));

describe("what is taken away of a home", () => {
  it("is never the schema that stays, whatever its file is called", () => {
    expect(removed(`sqlite:${temp.path("data/node.db")}`)).toEqual(["castellan.yaml", "run", "data/nats"]);
  });

  it("is all of its data when the schema is elsewhere, or goes", () => {
    for (const keeps of [null, "postgres://ips1@db/ips1", `sqlite:${temp.path("node.db")}`]) {
      expect(removed(keeps), String(keeps)).toEqual(["castellan.yaml", "run", "data"]);
    }
  });

  it("is no more of what it trusts than its own key where the authority of a node that goes on is", () => {
    mkdirSync(temp.path("etc/trust"), { recursive: true });
    for (const name of ["ca.pem", "server.pem"]) writeFileSync(temp.path("etc/trust", name), "");
    expect(trustOf(true)).toEqual(["etc/trust"]);
    writeFileSync(temp.path("etc/trust/authority.pem"), "");
    expect(trustOf(true)).toEqual(["etc/trust/server.pem"]);
    expect(trustOf(false)).toEqual(["etc/trust"]);
  });
});
