/** SQLite files to test with: each in a directory of its own that goes away with the gateways opened on it. */
import type { Gateway } from "@castellan/store";
import type { TestDatabase } from "@castellan/store/testing";
import type { OpenGatewayOptions } from "@castellan/store/typeorm";
import { tempHome } from "@castellan/testkit";
import { openHere } from "./open-here.ts";

export interface TestFile extends TestDatabase {
  readonly path: string;
  open(over?: Partial<OpenGatewayOptions>): Promise<Gateway>;
}

export async function sqliteFile(): Promise<TestFile> {
  const home = await tempHome();
  const path = home.path("node.db");
  const opened: Gateway[] = [];
  return {
    path,
    async open(over = {}) {
      const gateway = await openHere({
        url: `sqlite:${path}`,
        ...over,
      });
      opened.push(gateway);
      return gateway;
    },
    async remove() {
      await Promise.all(opened.map((gateway) => gateway.close()));
      await home.remove();
    },
  };
}
