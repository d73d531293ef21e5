/** Appends to the outbox in argv[2] until it is killed; says each number that was acknowledged. Run by a test. */
import { createIdSource, createSystemClock, systemRng } from "@castellan/kernel";
import { createOutboxDisk } from "../../src/outbox/outbox-disk.ts";
import { openOutboxFile } from "../../src/outbox/outbox-file.ts";
import { anAlert } from "./alerts.ts";

const file = await openOutboxFile({
  disk: createOutboxDisk(process.argv[2] ?? ""),
  newId: createIdSource(createSystemClock(), systemRng),
  damagedAlert: () => anAlert({ summary: "damaged" }),
  limits: { segmentBytes: 20_000 },
});
const append = async (): Promise<void> => {
  for (;;) {
    const number = file.last + 1;
    const record = await file.append({ phase: "raised", alert: anAlert({ summary: `from ${number}` }) });
    process.stdout.write(`${record.number} ${record.alert.summary}\n`);
    if (record.number % 50 === 0) await file.maintain();
  }
};
await Promise.all(Array.from({ length: 8 }, append));
