import { describe, expect, it } from "vitest";
import { withoutSecrets } from "../src/node/endpoints.ts";

describe("the addresses that a server tells", () => {
  it.each([
    ["nats://a:4222,nats://b:4222", "nats://a:4222,nats://b:4222"],
    ["nats://ann:secret@a:4222,tls://bob:hidden@b:4222", "nats://ann@a:4222,tls://bob@b:4222"],
    ["postgres://castellan:s:e,c@db:5432/ips1", "postgres://castellan@db:5432/ips1"],
    ["sqlite:/srv/castellan.db", "sqlite:/srv/castellan.db"],
  ])("hold no password: %s", (url, told) => {
    expect(withoutSecrets(url)).toBe(told);
  });
});
