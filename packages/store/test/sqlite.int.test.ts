import { describeGateway, describeModel } from "@castellan/store/testing";
import { sqliteFile } from "./files.ts";

describeGateway("SQLite", () => sqliteFile());
describeModel("SQLite", () => sqliteFile(), 300);
