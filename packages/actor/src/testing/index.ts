export { type BehaviorKit, createBehaviorKit, type Effect, type Reply } from "./behavior-kit.ts";
export { createManualClock, type ManualClock } from "./manual-clock.ts";
export { createProbe, type Probe, type ProbeControls, type ProbeOptions } from "./probe.ts";
