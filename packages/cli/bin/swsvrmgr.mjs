#!/usr/bin/env node
// Committed, because npm links no program whose file is missing at install. What it runs is built by `npm run build`.
import { run } from "./run.mjs";

await run("swsvrmgr");
